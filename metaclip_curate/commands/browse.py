"""metaclip-curate browse: pairs to look at."""

from __future__ import annotations

import argparse
from typing import Any

from metaclip_curate.commands.output import add_json, print_json
from metaclip_curate.console.terminal import shown
from metaclip_curate.inspect.browse import browse
from metaclip_curate.options.browse import BrowseOptions
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.source import SourceOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run.tables import damage_named
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {"source": SourceOptions, "pairs": BrowseOptions, "storage": StorageOptions}
_ABOUT = "pairs of a language, or with an entry, that were kept or dropped"


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("browse", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    for group, options in _GROUPS.items():
        add_options(command, group, options)
    add_json(command)
    command.set_defaults(handler=_run, command="browse")


def _run(parsed: argparse.Namespace, command: str) -> None:
    given = given_options(parsed, _GROUPS)
    run = FinishedRun(given["source"].run, "sample", given["storage"], RunOptions())
    with damage_named(run.folder):
        rows = browse(run.folder, given["pairs"])
    if parsed.json:
        print_json(rows)
        return
    for row in rows:
        print(shown(row["text"]))
        print(f"  {shown(row['url'])}")
        chance = f"keep probability {row['keep_probability']:.4g}, draw {row['draw']:.4g}"
        print(f"  {row['uid']}  {row['lang']} {row['lang_score']:.2f}  {chance}")
        print(f"  {shown(' | '.join(row['entries']))}")
        print()
    which = "dropped" if given["pairs"].dropped else "kept"
    print(f"{len(rows):,} {which} pairs")
