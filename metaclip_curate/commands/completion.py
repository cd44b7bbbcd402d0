"""metaclip-curate completion: a script that lets a shell complete commands and options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from metaclip_curate.commands.command import Command, Given
from metaclip_curate.console.terminal import plain
from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import PATH
from metaclip_curate.options.completion import CompletionOptions
from metaclip_curate.options.parser import OptionParser


def _run(given: Given, words: Sequence[str]) -> None:
    try:
        import shtab
    except ImportError as error:
        raise UserError("shtab is missing: pip install shtab") from error
    from metaclip_curate.commands.program import make_parser

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


COMMAND = Command(
    "completion",
    "print a script that completes commands, options and paths in a shell",
    {"completion": CompletionOptions},
    _run,
    examples=(
        "bash > ~/.local/share/bash-completion/completions/metaclip-curate",
        "fish > ~/.config/fish/completions/metaclip-curate.fish",
    ),
)
