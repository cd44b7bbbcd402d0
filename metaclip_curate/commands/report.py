"""metaclip-curate report: the report of a run, written again."""

from __future__ import annotations

import argparse
import time
from typing import Any

from metaclip_curate import storage
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.pipelines.report import write_report
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.owner import RunOwner
from metaclip_curate.spark.session import get_session
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {
    "source": SourceOptions,
    "report": ReportOptions,
    "run": RunOptions,
    "storage": StorageOptions,
}
_ABOUT = "write report.html and figures/ of a run, as far as it is"


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("report", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options, leave_out=("output", "no_report"))
    command.set_defaults(handler=_run, command="report")


def _run(parsed: argparse.Namespace, command: str) -> None:
    given = given_options(parsed, _GROUPS)
    root, options = given["source"].run, given["storage"]
    folder = RunFolder(root, options, RunOwner(root, options, command))
    started = time.monotonic()
    files = write_report(folder, lambda: get_session(given["run"]), given["report"])
    print(f"report: {len(files):,} files in {time.monotonic() - started:.1f} s")
    print(storage.join(folder.root, files[-1]))
