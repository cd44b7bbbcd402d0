"""All commands: their parser, and how each of them ends."""

from __future__ import annotations

import argparse
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
    datacard,
    deploy,
    download,
    explain,
    export,
    metadata,
    plan,
    rebalance,
    report,
    threshold,
)
from metaclip_curate.commands.output import add_json, print_json, tell_on_stderr
from metaclip_curate.commands.summary import print_extraction, print_summary
from metaclip_curate.console.failures import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OUTPUT_CLOSED,
    EXIT_TERMINATED,
    failure_of,
)
from metaclip_curate.console.interrupts import interrupts_raised
from metaclip_curate.console.status_line import StatusLine
from metaclip_curate.console.terminal import shown_output
from metaclip_curate.errors import JobFailedError
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.run.folder import STAGES, RunFolder
from metaclip_curate.run.record import to_json
from metaclip_curate.storage import StorageOptions, command_line, scrub

_GROUPS: dict[str, type] = {
    "run": RunOptions,
    "storage": StorageOptions,
    "extract": ExtractOptions,
    "match": MatchOptions,
    "balance": BalanceOptions,
    "draw": DrawOptions,
    "sample": SampleOptions,
    "report": ReportOptions,
}
# What each command takes; a stage alone takes only what it uses.
_COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "run": ("all stages, from input files to the manifest", tuple(_GROUPS)),
    "extract": ("input files to pairs", ("run", "storage", "extract", "draw")),
    "match": ("pairs to matched pairs", ("run", "storage", "match")),
    "count": ("matched pairs to entry counts", ("run", "storage", "match")),
    "balance": ("entry counts to thresholds", ("run", "storage", "balance", "draw")),
    "sample": ("matched pairs to the manifest", ("run", "storage", "draw", "sample", "report")),
}
# Commands that do only what is missing when they are given again.
_RESUMED = [*([name] for name in _COMMANDS), ["rebalance"], ["download"], ["deploy"], ["metadata", "build"]]
_RESUMED += [["metadata", "fetch"]]


def run_command(given: Sequence[str], program: str) -> int:
    """Runs a command.

    Args:
        given: The command line without the program's name.
        program: The name to show.

    Returns:
        The exit status, as `cli.main` does.
    """
    with shown_output(), interrupts_raised():
        try:
            parsed = make_parser(program).parse_args(given)
            parsed.handler(parsed, command_line([program, *given]))
        except SystemExit:  # argparse has printed help, or what it can't read
            _output_is_closed()
            raise
        except BaseException as error:
            if _output_is_closed(isinstance(error, BrokenPipeError)):
                return EXIT_OUTPUT_CLOSED
            return _tell_failure(error, program, given)
        return EXIT_OUTPUT_CLOSED if _output_is_closed() else 0


def _tell_failure(error: BaseException, program: str, given: Sequence[str]) -> int:
    """Says why a command ended; returns its exit status."""
    failure = failure_of(error)
    if failure is None:
        # Not by Python itself, which would end Spark first, and so in the middle of what Spark prints.
        print(scrub("".join(traceback.format_exception(error))), end="", file=sys.stderr)
        ending = "this is a fault of the program: please report it with what stands above"
        tell_on_stderr(f"{program}: {ending}{_goes_on(given)}")
        return EXIT_FAILED
    interrupted = failure.status in (EXIT_INTERRUPTED, EXIT_TERMINATED)
    tell_on_stderr(f"{program}: {scrub(failure.message)}{_goes_on(given) if interrupted else ''}")
    return failure.status


def _goes_on(given: Sequence[str]) -> str:
    resumes = list(given[:1]) in _RESUMED or list(given[:2]) in _RESUMED
    return "; what is finished is kept, and the same command goes on" if resumes else ""


def _output_is_closed(suspected: bool = False) -> bool:
    """Whether who reads the output has gone, as `head` does; what is still to be written is then thrown away.

    Args:
        suspected: Whether a pipe was found closed: there may then be nothing left to write by which to find out.
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
            # Python flushes once more on its way out.
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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(scrub(message))  # it repeats what it doesn't understand, which may be an address


def make_parser(program: str) -> argparse.ArgumentParser:
    """Makes the parser of the whole command line; `program` is the name to show."""
    parser = _Parser(program, description="Curation of image-text pairs for CLIP training on Spark.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (about, groups) in _COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        for group in groups:
            add_options(command, group, _GROUPS[group])
        add_json(command)
        if name == "run":
            command.add_argument(
                "--again-from", choices=STAGES, help="forget this stage and those after it, and do them again"
            )
        command.set_defaults(handler=_run_stage, command=name, groups=groups)
    for after_the_run in (explain, browse, compare, datacard, threshold, download, rebalance, export, report):
        after_the_run.add(commands)
    metadata.add(commands)
    plan.add(commands)
    deploy.add(commands, _GROUPS, {stage: _COMMANDS[stage][1] for stage in STAGES})
    java = commands.add_parser("java-home", help="print a JAVA_HOME that Spark runs on")
    java.set_defaults(handler=_java_home)
    return parser


def _run_stage(parsed: argparse.Namespace, command: str) -> None:
    console = StatusLine(sys.stderr if parsed.json else sys.stdout)
    from metaclip_curate.pipelines.curation import Pipeline
    from metaclip_curate.pipelines.options import Options

    pipeline = Pipeline(Options(**given_options(parsed, _GROUPS)), command, console.log, console.status)
    try:
        if parsed.command == "run":
            pipeline.run(parsed.again_from or "")
        else:
            getattr(pipeline, parsed.command)()
    except JobFailedError:
        # Where all of it is written, what came of the inputs says why.
        if pipeline.folder.is_finished("extract", ""):
            _print_result("extract", pipeline.folder, parsed.json)
        raise
    if parsed.command in ("run", "sample"):
        pipeline.report()
    _print_result(parsed.command, pipeline.folder, parsed.json)


def _print_result(command: str, folder: RunFolder, as_json: bool) -> None:
    if as_json:
        finished = STAGES if command == "run" else (command,)
        print_json({stage: to_json(folder.require(stage).summary) for stage in finished})
    elif command == "extract":
        print_extraction(folder)
    elif command in ("run", "sample"):
        print_summary(folder)


def _java_home(parsed: argparse.Namespace, command: str) -> None:
    import os

    import pyspark

    from metaclip_curate.spark.java import find_java_home

    print(find_java_home(pyspark.__version__) or os.environ.get("JAVA_HOME", ""))
