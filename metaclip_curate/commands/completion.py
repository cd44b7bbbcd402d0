"""metaclip-curate completion: a script that lets a shell complete commands and options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from metaclip_curate.commands.command import Command, Given
from metaclip_curate.console.terminal import plain
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import PATH
from metaclip_curate.options.completion import CompletionOptions
from metaclip_curate.options.parser import OptionParser


def completion_command(make_parser: Callable[[str], OptionParser]) -> Command:
    """Returns the command.

    Args:
        make_parser: Returns the parser of all commands, for the name of the program.
    """
    return Command(
        "completion",
        "print a script that completes commands, options and paths in a shell",
        {"completion": CompletionOptions},
        partial(_run, make_parser),
        examples=(
            "bash > ~/.local/share/bash-completion/completions/metaclip-curate",
            "fish > ~/.config/fish/completions/metaclip-curate.fish",
        ),
    )


def _run(make_parser: Callable[[str], OptionParser], given: Given, words: Sequence[str]) -> None:
    try:
        import shtab
    except ImportError as error:
        raise UserError("shtab is missing: pip install shtab") from error
    parser = make_parser(words[0])
    for action in _actions(parser):
        if action.metavar in (PATH, "FILE", "RUN1", "RUN2"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    options: CompletionOptions = given["completion"]
    # What a shell reads must reach it as it is.
    plain(sys.stdout).write(shtab.complete(parser, options.shell) + "\n")


def _actions(parser: OptionParser) -> Iterator[argparse.Action]:
    yield from parser._actions
    for below in parser.subparsers().values():
        yield from _actions(below)
