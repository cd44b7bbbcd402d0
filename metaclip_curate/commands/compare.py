"""metaclip-curate compare: what differs between two runs."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from metaclip_curate.commands.output import add_json, print_json
from metaclip_curate.console.terminal import shown
from metaclip_curate.console.text_table import number, text_table
from metaclip_curate.inspect.compare import Difference, LanguageChange, differences, language_changes
from metaclip_curate.options.command_line import add_options, given_options
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.publish.datacard import read_datacard
from metaclip_curate.schemas import MANIFEST
from metaclip_curate.storage import StorageOptions

_GROUPS: dict[str, type] = {"run": RunOptions, "storage": StorageOptions}
_ABOUT = "what differs between two runs: options, thresholds, pairs gained and lost"
_SHOWN_LANGUAGES, _SHOWN_PAIRS = 20, 5


def add(commands: Any) -> None:
    """Adds the command to the subparsers of the command line."""
    command = commands.add_parser("compare", help=_ABOUT, description=_ABOUT.capitalize() + ".")
    command.add_argument("before", metavar="RUN1", help="the folder of a finished run")
    command.add_argument("after", metavar="RUN2", help="the folder of another")
    for group, options in _GROUPS.items():
        add_options(command, group, options, leave_out=("output",))
    add_json(command)
    command.set_defaults(handler=_run, command="compare")


def _run(parsed: argparse.Namespace, command: str) -> None:
    from metaclip_curate.stages.after.compare import compare_manifests

    given = given_options(parsed, _GROUPS)
    runs = [FinishedRun(root, "sample", given["storage"], given["run"]) for root in (parsed.before, parsed.after)]
    datacards = [read_datacard(run.folder) for run in runs]
    manifests = [run.read("sample", "manifest", MANIFEST) for run in runs]
    counted, examples = compare_manifests(manifests[0], manifests[1], _SHOWN_PAIRS)
    values, languages = differences(*datacards), language_changes(datacards[0], datacards[1], counted)
    if parsed.json:
        found = {
            "differences": [dataclasses.asdict(each) for each in values],
            "languages": [dataclasses.asdict(each) for each in languages],
            "pairs": [{**row, "side": _side(row)} for row in examples],
        }
        print_json(found)
        return
    print(_differences_table(values) if values else "The data cards are the same.")
    print()
    print(_languages_table(languages))
    for row in examples:
        print(f"\n{_side(row)}  {row['uid']}  {row['metadata_lang']}  {shown(row['text'])}", end="")
    print()


def _side(row: dict[str, Any]) -> str:
    return "lost" if row["side"] == 1 else "gained"


def _differences_table(values: Sequence[Difference]) -> str:
    rows = [[each.name, _value(each.before), _value(each.after)] for each in values]
    return text_table(["", "RUN1", "RUN2"], rows, "<<<")


def _value(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    return "-" if value is None else str(value)


def _languages_table(languages: Sequence[LanguageChange]) -> str:
    header = ["language", "t", "matched", "kept", "head's share", "in both", "lost", "gained", "other probability"]
    rows = []
    for change in languages[:_SHOWN_LANGUAGES]:
        pairs = [change.t, change.matched, change.kept]
        rows.append(
            [
                change.metadata_lang,
                *(" > ".join(_value(value) for value in pair) for pair in pairs),
                " > ".join("-" if value is None else f"{value:.1%}" for value in change.head_share),
                *(number(value) for value in (change.both, change.lost, change.gained, change.other_probability)),
            ]
        )
    sums = [
        sum(getattr(change, name) for change in languages) for name in ("both", "lost", "gained", "other_probability")
    ]
    kept = " > ".join(number(sum(change.kept[side] for change in languages)) for side in (0, 1))
    matched = " > ".join(number(sum(change.matched[side] for change in languages)) for side in (0, 1))
    rows.append(["all", "", matched, kept, "", *map(number, sums)])
    return text_table(header, rows, "<" + ">" * 8)
