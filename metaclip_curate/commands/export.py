"""metaclip-curate export: a run in the formats of other tools."""

from __future__ import annotations

from collections.abc import Sequence

from metaclip_curate.commands.command import (
    RUN_READ_BY_SPARK,
    SESSION_ONLY,
    Command,
    Given,
    open_finished_run,
    recorded,
)
from metaclip_curate.commands.output import print_json
from metaclip_curate.options.export import ExportOptions
from metaclip_curate.options.printing import PrintOptions


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.pipelines.export import EXPORTED_STAGE, export

    options: ExportOptions = given["export"]
    summary = export(open_finished_run(given, EXPORTED_STAGE[options.format]), options, recorded(words))
    if given["print"].json:
        print_json(summary)
        return
    for name, value in summary.items():
        if isinstance(value, int):
            print(f"{name:<8} {value:,}")
    print(options.output)


COMMAND = Command(
    "export",
    "write a run for other tools: MetaCLIP's loaders or DataComp's resharder",
    {**RUN_READ_BY_SPARK, "export": ExportOptions, "print": PrintOptions},
    _run,
    examples=(
        "--run out --format metaclip --output for-metaclip",
        "--run out --format datacomp --output for-datacomp",
    ),
    leave_out=SESSION_ONLY,
)
