"""All commands: their parser, and how each of them ends."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from metaclip_curate import __version__
from metaclip_curate.commands import (
    browse,
    compare,
    datacard,
    deploy,
    download,
    explain,
    explore,
    export,
    fates,
    images,
    java_archive,
    java_home,
    metadata,
    plan,
    policies,
    rebalance,
    remove,
    report,
    stages,
    threshold,
)
from metaclip_curate.commands.command import Command, CommandGroup
from metaclip_curate.commands.completion import completion_command
from metaclip_curate.commands.output import log_to_stderr, print_json
from metaclip_curate.console.failures import (
    EXIT_FAILED,
    EXIT_HUNG_UP,
    EXIT_INTERRUPTED,
    EXIT_OUTPUT_CLOSED,
    EXIT_TERMINATED,
    EXIT_USER_ERROR,
    Failure,
    failure_of,
)
from metaclip_curate.console.interrupts import HungUpError, interrupts_raised
from metaclip_curate.console.terminal import shown_output
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.parser import OptionParser


def run_command(given: Sequence[str], program: str) -> int:
    """Runs a command.

    Args:
        given: Command line without the program's name.
        program: Name of the program to show.

    Returns:
        Exit status, as `cli.main` returns it.
    """
    resumes, as_json = False, "--json" in given
    with shown_output(), interrupts_raised() as interrupts:
        try:
            parsed = make_parser(program).parse_args(given)
            command: Command = parsed.command
            resumes = command.resumes
            command.execute(parsed, [program, *given])
            interrupts.raise_again()
        except SystemExit as end:  # argparse has printed the help, or what it can't read
            if as_json and isinstance(end, _UsageExit):
                _print_error_as_json(Failure(end.message, EXIT_USER_ERROR), None)
            _output_is_closed()
            raise
        except BaseException as error:
            if _output_is_closed(isinstance(error, BrokenPipeError | HungUpError)):
                return EXIT_OUTPUT_CLOSED
            failure = _print_failure(error, program, resumes)
            if as_json:
                _print_error_as_json(failure, error)
            return failure.status
        return EXIT_OUTPUT_CLOSED if _output_is_closed() else 0


def _print_failure(error: BaseException, program: str, resumes: bool) -> Failure:
    """Prints why a command ended, and returns it without anything secret."""
    try:
        from metaclip_curate.storage import scrub
    except ModuleNotFoundError as missing:
        # Without `scrub` only this error can be printed: it holds nothing secret, and is the cause of the other.
        failure = failure_of(missing)
        if failure is None:
            raise
        log_to_stderr(f"{program}: {failure.message}")
        return failure
    continues = "; what is finished is kept, and the same command continues from there" if resumes else ""
    failure = failure_of(error)
    if failure is None:
        # Printed here and not by Python itself, which would end Spark first and mix the trace with Spark's lines.
        print(scrub("".join(traceback.format_exception(error))), end="", file=sys.stderr)
        ending = "this is a fault of the program: please report it with the lines above"
        log_to_stderr(f"{program}: {ending}{continues}")
        return Failure("this is a fault of the program, whose traceback is on standard error", EXIT_FAILED)
    interrupted = failure.status in (EXIT_HUNG_UP, EXIT_INTERRUPTED, EXIT_TERMINATED)
    failure = Failure(scrub(failure.message), failure.status)
    log_to_stderr(f"{program}: {failure.message}{continues if interrupted else ''}")
    return failure


def _print_error_as_json(failure: Failure, error: BaseException | None) -> None:
    """Prints a failure in place of the command's result."""
    printed: dict[str, Any] = {"error": failure.message, "status": failure.status}
    if isinstance(error, JobFailedError) and error.result is not None:
        printed["result"] = error.result
    print_json(printed)


def _output_is_closed(suspected: bool = False) -> bool:
    """Returns whether the reader of the output has gone, as `head` does, and drops what is still to be written.

    Args:
        suspected: Whether a pipe or the terminal was found closed. There may then be nothing left to write that would
            show it.
    """
    closed = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
            gone = suspected and _nobody_reads(stream)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):  # of a pipe, and of a terminal
                raise
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


class _UsageExit(SystemExit):
    """The end of a command line that can't be read, after its message has been printed."""

    def __init__(self, message: str) -> None:
        super().__init__(EXIT_USER_ERROR)
        self.message = message


class _Parser(OptionParser):
    def error(self, message: str) -> NoReturn:
        from metaclip_curate.storage import scrub

        message = scrub(message)  # it repeats what it doesn't understand, which may be a URL with a password
        with contextlib.suppress(SystemExit):
            super().error(message)
        raise _UsageExit(message)


def make_parser(program: str) -> OptionParser:
    """Returns the parser of the whole command line; `program` is the name to show."""
    parser = _Parser(
        program,
        description="Curation of image-text pairs for CLIP training on Spark.",
        examples=(
            "run --input a.warc.wat.gz --metadata metadata-starter --output out --t 20",
            "explain --run out --uid a6de1847ce0f6e2206026f5cfc7a5d01",
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


# The commands as the help groups them; one of them needs the parser of all.
_COMMANDS: dict[str, tuple[Command | CommandGroup, ...]] = {
    "curate": stages.COMMANDS,
    "metadata": (metadata.COMMANDS,),
    "screens": (policies.COMMANDS,),
    "look at a run": (explain.COMMAND, browse.COMMAND, explore.COMMAND, fates.COMMAND, compare.COMMAND, report.COMMAND),
    "after a run": (
        threshold.COMMAND,
        download.COMMAND,
        images.COMMANDS,
        rebalance.COMMAND,
        remove.COMMAND,
        export.COMMAND,
        datacard.COMMAND,
    ),
    "clusters": (plan.COMMAND, deploy.COMMANDS),
    "this computer": (java_home.COMMAND, java_archive.COMMAND, completion_command(make_parser)),
}
