"""metaclip-curate download: a run's images into webdataset shards."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from metaclip_curate.commands.output import add_json, print_json, tell_of
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.errors import UserError
from metaclip_curate.images.download import Download
from metaclip_curate.images.outcome import Outcome
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.download import DownloadOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.schemas import MATCHED
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {
    "source": SourceOptions,
    "download": DownloadOptions,
    "run": RunOptions,
    "storage": StorageOptions,
}
_ABOUT = "fetch a run's images with img2dataset, into shards that a training reads"
_REASONS_SHOWN = 12


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("download", help=_ABOUT, description=_ABOUT[0].upper() + _ABOUT[1:] + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options, leave_out=("output",) if group == "run" else ())
    add_json(command)
    command.set_defaults(handler=_run, command="download")


def _run(parsed: argparse.Namespace, command: str) -> None:
    given = given_options(parsed, _GROUPS)
    options: DownloadOptions = given["download"]
    root = given["source"].run
    source = RunFolder(root, given["storage"])
    if not source.options_of("extract"):
        raise UserError(f"{root} holds no run: name the folder of a finished run with --run")

    def images(folder: str) -> None:
        from metaclip_curate.stages.after.images import write_images

        run = FinishedRun(root, "match", given["storage"], given["run"])
        write_images(run.read("match", "matched", MATCHED), folder)

    outcome = Download(source, options, images, tell_of(parsed)).run()
    if parsed.json:
        print_json(dataclasses.asdict(outcome))
        return
    print()
    print(_table(outcome))
    print()
    print(f"{outcome.shards:,} shards in {options.output}")


def _table(outcome: Outcome) -> str:
    rows = [("images asked for", outcome.rows), ("  fetched", outcome.fetched)]
    reasons = [(f"  {' '.join(reason.split())[:90]}", count) for reason, count in outcome.reasons.items()]
    rows += reasons[:_REASONS_SHOWN]
    if rest := reasons[_REASONS_SHOWN:]:
        rows.append((f"  {len(rest)} other reasons", sum(count for _, count in rest)))
    return text_table(
        ["", "number", "share"], [[name, number(count), share(count, outcome.rows)] for name, count in rows], "<>>"
    )
