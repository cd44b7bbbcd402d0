"""All commands: their parser, and how each of them ends."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from metaclip_curate import __version__
from metaclip_curate.commands import (
    browse,
    compare,
    completion,
    datacard,
    deploy,
    download,
    explain,
    export,
    java_home,
    metadata,
    plan,
    rebalance,
    report,
    stages,
    threshold,
)
from metaclip_curate.commands.command import Command, CommandGroup
from metaclip_curate.commands.output import log_to_stderr
from metaclip_curate.console.failures import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OUTPUT_CLOSED,
    EXIT_TERMINATED,
    failure_of,
)
from metaclip_curate.console.interrupts import interrupts_raised
from metaclip_curate.console.terminal import shown_output
from metaclip_curate.options.parser import OptionParser

# The commands as the help groups them.
_COMMANDS: dict[str, tuple[Command | CommandGroup, ...]] = {
    "curate": stages.COMMANDS,
    "metadata": (metadata.COMMANDS,),
    "look at a run": (explain.COMMAND, browse.COMMAND, compare.COMMAND, report.COMMAND),
    "after a run": (
        threshold.COMMAND,
        download.COMMAND,
        rebalance.COMMAND,
        export.COMMAND,
        datacard.COMMAND,
    ),
    "clusters": (plan.COMMAND, deploy.COMMANDS),
    "this computer": (java_home.COMMAND, completion.COMMAND),
}


def run_command(given: Sequence[str], program: str) -> int:
    """Runs a command.

    Args:
        given: Command line without the program's name.
        program: Name of the program to show.

    Returns:
        Exit status, as `cli.main` returns it.
    """
    resumes = False
    with shown_output(), interrupts_raised() as interrupts:
        try:
            parsed = make_parser(program).parse_args(given)
            command: Command = parsed.command
            resumes = command.resumes
            command.execute(parsed, [program, *given])
            interrupts.raise_again()
        except SystemExit:  # argparse has printed the help, or what it can't read
            _output_is_closed()
            raise
        except BaseException as error:
            if _output_is_closed(isinstance(error, BrokenPipeError)):
                return EXIT_OUTPUT_CLOSED
            return _print_failure(error, program, resumes)
        return EXIT_OUTPUT_CLOSED if _output_is_closed() else 0


def _print_failure(error: BaseException, program: str, resumes: bool) -> int:
    """Prints why a command ended, and returns its exit status."""
    try:
        from metaclip_curate.storage import scrub
    except ModuleNotFoundError as missing:
        # Without `scrub` only this error can be printed: it holds nothing secret, and is the cause of the other.
        failure = failure_of(missing)
        if failure is None:
            raise
        log_to_stderr(f"{program}: {failure.message}")
        return failure.status
    continues = "; what is finished is kept, and the same command continues from there" if resumes else ""
    failure = failure_of(error)
    if failure is None:
        # Printed here and not by Python itself, which would end Spark first and mix the trace with Spark's lines.
        print(scrub("".join(traceback.format_exception(error))), end="", file=sys.stderr)
        ending = "this is a fault of the program: please report it with the lines above"
        log_to_stderr(f"{program}: {ending}{continues}")
        return EXIT_FAILED
    interrupted = failure.status in (EXIT_INTERRUPTED, EXIT_TERMINATED)
    log_to_stderr(f"{program}: {scrub(failure.message)}{continues if interrupted else ''}")
    return failure.status


def _output_is_closed(suspected: bool = False) -> bool:
    """Returns whether the reader of the output has gone, as `head` does, and drops what is still to be written.

    Args:
        suspected: Whether a pipe was found closed. There may then be nothing left to write that would show it.
    """
    closed = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
            gone = suspected and _nobody_reads(stream)
        except BrokenPipeError:
            gone = True
        if gone:
            closed = True
            # Python flushes once more when it exits.
            with contextlib.suppress(OSError), Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
    return closed


def _nobody_reads(stream: TextIO) -> bool:
    try:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
    except OSError:  # a stream without a file behind it
        return False
    return any(event & select.POLLERR for _, event in poll.poll(0))


class _Parser(OptionParser):
    def error(self, message: str) -> NoReturn:
        from metaclip_curate.storage import scrub

        super().error(scrub(message))  # it repeats what it doesn't understand, which may be a URL with a password


def make_parser(program: str) -> OptionParser:
    """Returns the parser of the whole command line; `program` is the name to show."""
    parser = _Parser(
        program,
        description="Curation of image-text pairs for CLIP training on Spark.",
        examples=(
            "run --input a.warc.wat.gz --metadata metadata-starter --output out --t 20",
            "explain --run out --uid 7354c57701603b0d568cd1bcdc2ae1af",
        ),
        epilog=f"`{program} COMMAND --help` lists a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    below = parser.add_subparsers(required=True, metavar="COMMAND")
    for commands in _COMMANDS.values():
        for command in commands:
            command.add(below)
    parser.command_groups = {title: [each.name for each in commands] for title, commands in _COMMANDS.items()}
    return parser
