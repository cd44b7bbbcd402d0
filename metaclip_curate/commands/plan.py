"""metaclip-curate plan: what a run will take, before anything is paid for."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metaclip_curate.commands.command import Command, Given
from metaclip_curate.commands.output import print_json
from metaclip_curate.console.text_table import LINE_WIDTH, number, text_table
from metaclip_curate.errors import UserError
from metaclip_curate.options.plan import PlanOptions, RateTableOptions
from metaclip_curate.options.printing import PrintOptions
from metaclip_curate.options.storage import StorageOptions

if TYPE_CHECKING:
    from metaclip_curate.cluster.plan import Plan
    from metaclip_curate.cluster.rates import Rates


_OF_FILES = ("select", "extract")
# Old crawls are named by years: CC-MAIN-2008-2009, CC-MAIN-2012.
_CRAWL = re.compile(r"CC-MAIN-\d{4}(-\d{2}(\d{2})?)?(:\d+)?(:(wat|warc))?", re.ASCII)


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.cluster.metadata_size import longest_list
    from metaclip_curate.cluster.plan import plan
    from metaclip_curate.cluster.rates import load_rates

    options: PlanOptions = given["plan"]
    _check_crawl(options.crawl)
    rates = load_rates().with_values(options.rates)
    made = plan(options, rates, longest_list(options.metadata, given["storage"]))
    if given["print"].json:
        print_json(as_json(made, options, rates), ensure_ascii=True)
    else:
        print(text(made, options, rates, given["rates"].show_rates))


def _check_crawl(crawl: str) -> None:
    if crawl and not _CRAWL.fullmatch(crawl):
        raise UserError(
            f"--crawl must be a crawl such as CC-MAIN-2025-30, or CC-MAIN-2025-30:20 for 20 of its files, not {crawl}"
        )


def as_json(made: Plan, options: PlanOptions, rates: Rates) -> dict[str, Any]:
    """Returns a plan, and the options and rates that it follows from, as JSON types."""
    estimates = dataclasses.asdict(made)
    if made.selection is None:
        del estimates["selection"]
    return {
        **estimates,
        "hours": made.hours,
        "dollars": made.dollars,
        "platform": {"name": options.platform, **dataclasses.asdict(rates.platforms[options.platform])},
        "rates": {name: dataclasses.asdict(rate) for name, rate in rates.numbers.items()},
    }


def text(made: Plan, options: PlanOptions, rates: Rates, show_rates: bool = False) -> str:
    """Returns a plan as tables and lines for people.

    Args:
        made: The plan.
        options: Options that it was made with.
        rates: Rates that it was computed from.
        show_rates: Whether all rates are listed, with their sources.
    """
    platform, executor = rates.platforms[options.platform], made.executor
    size = f"{made.entries:,} entries" if made.entries else f"not given, {rates['largest_list']:,g} entries assumed"
    lines = [
        f"{options.crawl or 'input'}: {_input(made, rates)}{_assumed(options)} on {_cores(made, options)}, "
        f"{made.nodes:,} x {platform.node} ({options.platform}), ${made.core_hour:.4f} a core-hour",
        *_against_the_crawl(made),
        f"longest metadata list: {size}",
        "",
        text_table(
            ["stage", "takes", "tasks", "core-hours", "hours", "shuffle GB", "written GB", "dollars"],
            [*(_cells(stage) for stage in made.stages), _total(made)],
            "<" + ">" * 7,
        ),
        "",
        f"executors    {executor.instances:,} of {executor.cores} cores, {executor.per_node} on a node",
        f"memory       {executor.heap_megabytes:,} MiB heap + {executor.overhead_megabytes:,} MiB beside it, "
        f"of which {executor.worker_megabytes:,} a Python worker",
        f"options      --dedup-passes {made.dedup_passes} --pairs-per-task {made.pairs_per_task} "
        f"--files-per-round {made.files_per_round}",
        f"spark        spark.sql.shuffle.partitions={made.shuffle_partitions}",
        "",
        *(_rate_table(rates) if show_rates else _rate_names(rates)),
        "",
        f"Prices are assumed, as of {platform.price_date}: {platform.price_source}.",
        "Requests (cents) and the storage of the run folder aren't in them.",
    ]
    return "\n".join(lines)


def _rate_table(rates: Rates) -> list[str]:
    rows = [[name, f"{rate.value:,g}", rate.unit, rate.kind, rate.source] for name, rate in rates.numbers.items()]
    return ["Rates (--rates NAME=VALUE replaces one):", text_table(["", "value", "unit", "", "source"], rows, "<><<<")]


def _rate_names(rates: Rates) -> list[str]:
    """Returns how many rates were measured, and which weren't."""
    names: dict[str, list[str]] = {}
    for name, rate in rates.numbers.items():
        names.setdefault(rate.kind, []).append(f"{name}={rate.value:g}")
    measured = len(names.pop("measured", []))
    known = f"Of {len(rates.numbers)} rates, {measured} were measured"
    lines = [f"{known} (--show-rates prints all, --rates replaces some)."]
    for kind, each in names.items():
        lines += textwrap.wrap(f"{kind}: {', '.join(each)}", LINE_WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return lines


def _input(made: Plan, rates: Rates) -> str:
    chosen = made.selection
    if chosen is None:
        return f"{made.inputs:,} WAT files ({made.inputs * rates['wat_megabytes'] / 1e3:,.0f} GB)"
    return (
        f"{chosen.pages:,} pages ({chosen.record_bytes / 1e9:,.1f} GB) in {made.inputs:,} WARC files, by "
        f"{chosen.requests:,} requests after {chosen.index_bytes / 1e9:,.0f} GB of the columnar index,"
    )


def _assumed(options: PlanOptions) -> str:
    return "" if options.crawl or options.input_files else " (a whole crawl, assumed without --crawl and --input-files)"


def _cores(made: Plan, options: PlanOptions) -> str:
    executor = made.executor
    cores = executor.cores * executor.instances
    if cores != options.cores:
        return f"{cores:,} cores (--cores {options.cores}, rounded up to whole executors of {executor.cores} cores)"
    return f"{cores:,} cores{' (the default)' if cores == PlanOptions().cores else ''}"


def _against_the_crawl(made: Plan) -> list[str]:
    chosen = made.selection
    if chosen is None:
        return []
    return [
        f"in all {made.hours:,.2f} hours and ${made.dollars:,.2f}; all WAT files of the crawl have "
        f"{chosen.whole_bytes / 1e9:,.0f} GB and take {chosen.whole_hours:,.2f} hours and ${chosen.whole_dollars:,.2f}"
    ]


def _cells(stage: Any) -> list[str]:
    return [
        stage.name,
        f"{stage.rows:,} {'files' if stage.name in _OF_FILES else 'pairs'}",
        number(stage.tasks),
        f"{stage.core_hours:,.1f}",
        f"{stage.hours:,.2f}",
        f"{stage.shuffle_bytes / 1e9:,.1f}",
        f"{stage.written_bytes / 1e9:,.1f}",
        f"{stage.dollars:,.2f}",
    ]


def _total(made: Plan) -> list[str]:
    work, written = sum(stage.core_hours for stage in made.stages), sum(stage.written_bytes for stage in made.stages)
    return [
        "all, with the cluster's start",
        "",
        "",
        f"{work:,.1f}",
        f"{made.hours:,.2f}",
        "",
        f"{written / 1e9:,.1f}",
        f"{made.dollars:,.2f}",
    ]


COMMAND = Command(
    "plan",
    "estimate tasks, memory, disk, hours and dollars of a run, and show which numbers the estimate comes from",
    {"plan": PlanOptions, "rates": RateTableOptions, "storage": StorageOptions, "print": PrintOptions},
    _run,
    examples=(
        "--crawl CC-MAIN-2025-30 --cores 512 --metadata lists",
        "--input-files 1000 --platform dataproc --rates wat_megabytes=350 --json",
    ),
)
