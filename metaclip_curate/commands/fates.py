"""metaclip-curate fates: what became of each pair."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaclip_curate.commands.command import RUN_READ_BY_SPARK, SESSION_ONLY, Command, Given, open_finished_run
from metaclip_curate.commands.output import print_blocks, print_json
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.console.wording import counted
from metaclip_curate.options.fates import FatesOptions
from metaclip_curate.options.printing import PrintOptions

if TYPE_CHECKING:
    from metaclip_curate.pipelines.fates import FateCounts


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.pipelines.fates import find_fates

    options: FatesOptions = given["fates"]
    found = find_fates(open_finished_run(given, "sample"), options)
    if given["print"].json:
        print_json(dataclasses.asdict(found))
        return
    print_blocks(_table(found))
    if found.files:
        print_blocks(f"{counted(found.files, 'file')} in {options.output}")


def _table(found: FateCounts) -> str:
    from metaclip_curate.run.fates import FATE_NAMES, Fate
    from metaclip_curate.run.funnel import loss_name
    from metaclip_curate.screens.reasons import REASON_NAMES

    rows = []
    for fate, name in FATE_NAMES.items():
        if pairs := found.fates[fate]:
            rows.append([name, number(pairs), share(pairs, found.pairs)])
        if fate == Fate.SCREENED:
            rows += [
                [f"  {REASON_NAMES[reason]}", number(pairs), share(pairs, found.pairs)]
                for reason, pairs in found.screened.items()
            ]
    rows.append(["all", number(found.pairs), ""])
    rows += [[f"  lost in the download: {loss_name(reason)}", number(n), ""] for reason, n in found.lost.items()]
    if found.purged:
        rows.append(["  purged, and so without a row", number(found.purged), ""])
    return text_table(["pairs", "number", "share"], rows, "<>>")


COMMAND = Command(
    "fates",
    "show what became of all distinct pairs, and write a table with a row for each",
    {**RUN_READ_BY_SPARK, "fates": FatesOptions, "print": PrintOptions},
    _run,
    examples=("--run out", "--run out --output out-fates --entries"),
    leave_out=SESSION_ONLY,
)
