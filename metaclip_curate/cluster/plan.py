"""Estimates tasks, memory, disk, hours and dollars of a run from measured and assumed rates.

Nothing here starts Spark or reads an input. Deployments take the sizes of executors from the same plan.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from metaclip_curate.cluster.executors import ExecutorPlan, executor_plan
from metaclip_curate.cluster.rates import Rates
from metaclip_curate.errors import UserError
from metaclip_curate.options.plan import PlanOptions

KILOBYTE, MEGABYTE, GIGABYTE = 10**3, 10**6, 10**9
_CRAWL_FILES = re.compile(r"[^:]+:(\d+)(?::\w+)?")
# Partitions of one shuffle: the driver keeps a few bytes about each pair of a map task and a partition.
_MOST_PARTITIONS = 8_000
_PAIRS_PER_TASK = 500_000
_PARTITION_BYTES = 128 * MEGABYTE
# Two rounds of files are extracted at a time, and one round must fill the cluster. A run that dies loses up to two.
_ROUND_FILES = 1_000


@dataclass(frozen=True)
class StagePlan:
    """Estimates for one stage.

    Attributes:
        name: The stage.
        rows: Number of pairs that it reads; in choosing pages and in extraction, number of files.
        tasks: Number of tasks of its largest step; in deduplication, of its last one, which writes one file a task. The
            steps before that have a task for each input file of a small run, so that its hours are an upper limit.
        core_hours: Core-hours of work, without idle time.
        hours: Duration, hours.
        shuffle_bytes: Bytes on the disks of all nodes at the same time.
        written_bytes: Bytes that it adds to the run folder.
        dollars: Price of the cluster meanwhile.
    """

    name: str
    rows: int
    tasks: int
    core_hours: float
    hours: float
    shuffle_bytes: int
    written_bytes: int
    dollars: float


@dataclass(frozen=True)
class SelectionPlan:
    """Estimates for pages that the columnar index chooses, and for the whole crawl beside them.

    Attributes:
        pages: Number of pages.
        requests: Number of requests for their records.
        record_bytes: Bytes of their records, as stored.
        index_bytes: Bytes that are read of the index.
        whole_bytes: Bytes of the crawl's WAT files.
        whole_hours: Hours of a run over these.
        whole_dollars: Price of that run.
    """

    pages: int
    requests: int
    record_bytes: int
    index_bytes: int
    whole_bytes: int
    whole_hours: float
    whole_dollars: float


@dataclass(frozen=True)
class Plan:
    """The estimates for a run.

    Attributes:
        inputs: Number of input files; of chosen pages, number of WARC files that they lie in.
        entries: Number of entries of the largest list; 0 if it isn't known.
        nodes: Number of machines with executors.
        executor: Sizes and numbers of executors.
        stages: The stages in order.
        dedup_passes: Recommended value of --dedup-passes.
        pairs_per_task: Recommended value of --pairs-per-task.
        files_per_round: Recommended value of --files-per-round.
        shuffle_partitions: Recommended value of spark.sql.shuffle.partitions.
        core_hour: Dollars per core and hour.
        startup_hours: Hours that are billed before the first stage.
        selection: Estimates for chosen pages; None for whole files.
    """

    inputs: int
    entries: int
    nodes: int
    executor: ExecutorPlan
    stages: tuple[StagePlan, ...]
    dedup_passes: int
    pairs_per_task: int
    files_per_round: int
    shuffle_partitions: int
    core_hour: float
    startup_hours: float
    selection: SelectionPlan | None = None

    @property
    def hours(self) -> float:
        """Hours from the start of the first machine to the end of the last stage."""
        return self.startup_hours + sum(stage.hours for stage in self.stages)

    @property
    def dollars(self) -> float:
        """Price in dollars, without the storage of the run folder."""
        cores = self.executor.cores * self.executor.instances
        return self.startup_hours * cores * self.core_hour + sum(stage.dollars for stage in self.stages)


def input_files(options: PlanOptions, rates: Rates) -> int:
    """Returns the number of input files: as given, as the crawl's name says, or that of a typical crawl."""
    if options.input_files:
        return options.input_files
    named = _CRAWL_FILES.fullmatch(options.crawl)
    return int(named[1]) if named else round(rates["inputs_per_crawl"])


def plan(options: PlanOptions, rates: Rates, entries: int = 0) -> Plan:
    """Computes a plan.

    Args:
        options: Options of the plan.
        rates: The rates, with the replacements of `options.rates`.
        entries: Number of entries of the largest metadata list; 0 assumes the measured size.

    Returns:
        The plan.

    Raises:
        UserError: The memory of a node isn't enough, or the crawl has fewer pages than are to be chosen.
    """
    platform = rates.platforms[options.platform]
    list_size = entries or round(rates["largest_list"])
    matching = rates["match_worker_base_megabytes"] + list_size * rates["match_worker_bytes_per_entry"] / MEGABYTE
    worker = math.ceil(max(rates["extract_worker_megabytes"], matching) * rates["memory_margin"])
    executor = executor_plan(platform, options.cores, worker, rates["heap_megabytes"])
    nodes = -(-executor.instances // executor.per_node)
    core_hour = options.dollars_per_core_hour or (
        options.on_demand_share * platform.core_hour + (1 - options.on_demand_share) * platform.spot_core_hour
    )

    inputs, chosen = input_files(options, rates), None
    pairs = round(inputs * rates["pairs_per_wat"])
    if options.index_pages:
        most = round(inputs / rates["inputs_per_crawl"] * rates["pages_per_crawl"])
        if options.index_pages > most:
            raise UserError(
                f"--index-pages must be at most {most:,}, the number of pages of {inputs:,} files, not "
                f"{options.index_pages:,}: set the rate pages_per_crawl if the crawl has more"
            )
        whole = plan(replace(options, index_pages=0), rates, entries)
        chosen = _selection(options.index_pages, whole, rates)
        pairs = round(options.index_pages * pages_to_pairs(rates))
        inputs = _warcs_with_pages(inputs, options.index_pages)
    distinct = round(pairs * rates["distinct_share"])
    shuffled = round(pairs * rates["dedup_uid_bytes"] + distinct * rates["dedup_row_bytes"])
    disk = nodes * (options.node_disk or platform.node_disk_gigabytes) * GIGABYTE * rates["disk_share"]
    passes = options.dedup_passes or max(1, math.ceil(shuffled / disk))
    pairs_per_task = max(_PAIRS_PER_TASK, math.ceil(distinct / passes / _MOST_PARTITIONS))
    sizing = _Sizing(rates, options.cores, core_hour)
    stages = sizing.stages(inputs, pairs, passes, pairs_per_task, chosen)
    largest = max(stage.shuffle_bytes for stage in stages if stage.name != "dedup")
    return Plan(
        inputs=inputs,
        entries=entries,
        nodes=nodes,
        executor=executor,
        stages=stages,
        dedup_passes=passes,
        pairs_per_task=pairs_per_task,
        files_per_round=min(inputs, max(_ROUND_FILES, options.cores)),
        shuffle_partitions=max(200, 2 * options.cores, math.ceil(largest / _PARTITION_BYTES)),
        core_hour=core_hour,
        startup_hours=rates["cluster_minutes"] / 60,
        selection=chosen,
    )


def pages_to_pairs(rates: Rates) -> float:
    """Returns the number of pairs of a page."""
    return rates["pairs_per_wat"] * rates["inputs_per_crawl"] / rates["pages_per_crawl"]


def _warcs_with_pages(warcs: int, pages: int) -> int:
    """Returns how many of a crawl's WARCs are expected to have one of its pages, which are spread over all of them."""
    return max(1, round(-warcs * math.expm1(pages * math.log1p(-1 / warcs)))) if warcs > 1 else 1


def _selection(pages: int, whole: Plan, rates: Rates) -> SelectionPlan:
    from metaclip_curate.storage.byte_ranges import MAX_GAP  # imports the HTTP client, which --help doesn't need

    warc_bytes = rates["pages_per_crawl"] / rates["inputs_per_crawl"] * rates["page_kilobytes"] * KILOBYTE
    # The positions of pages in a WARC are random, and a page is requested together with one that follows it closely.
    separate = math.exp(-pages / whole.inputs * MAX_GAP / warc_bytes)
    return SelectionPlan(
        pages=pages,
        requests=max(1, round(pages * separate)),
        record_bytes=round(pages * rates["page_kilobytes"] * KILOBYTE),
        index_bytes=round(rates["index_gigabytes"] * rates["index_share"] * GIGABYTE),
        whole_bytes=round(whole.inputs * rates["wat_megabytes"] * MEGABYTE),
        whole_hours=whole.hours,
        whole_dollars=whole.dollars,
    )


@dataclass(frozen=True)
class _Work:
    name: str
    rows: int
    tasks: int
    seconds: float
    shuffle_bytes: float
    written_bytes: float
    steps: int = 1


@dataclass(frozen=True)
class _Sizing:
    rates: Rates
    cores: int
    core_hour: float

    def stages(
        self, inputs: int, pairs: int, passes: int, pairs_per_task: int, chosen: SelectionPlan | None
    ) -> tuple[StagePlan, ...]:
        rates = self.rates
        distinct = round(pairs * rates["distinct_share"])
        matched = round(distinct * rates["matched_share"])
        kept = round(matched * rates["kept_share"])
        extract_seconds = inputs * rates["extract_core_seconds"] / rates["extract_spark_efficiency"]
        if chosen:
            reading = chosen.pages * rates["page_core_milliseconds"] + chosen.requests * rates["request_milliseconds"]
            extract_seconds = reading / 1e3 / rates["extract_spark_efficiency"] + inputs * rates["task_seconds"]
        # Each pass reads the rows again among which its own are.
        of_pair = rates["dedup_microseconds"] + passes * rates["dedup_read_microseconds"]
        dedup_seconds = (pairs * of_pair + distinct * rates["distinct_microseconds"]) / 1e6
        dedup_shuffle = (pairs * rates["dedup_uid_bytes"] + distinct * rates["dedup_row_bytes"]) / passes
        files_of_pass = max(1, -(-distinct // passes // pairs_per_task))
        match_seconds = distinct * rates["match_microseconds"] / 1e6
        matched_bytes = matched * rates["matched_bytes"]
        tasks = max(1, math.ceil(matched_bytes / _PARTITION_BYTES))
        seconds = {name: matched * rates[f"{name}_microseconds"] / 1e6 for name in ("count", "balance", "sample")}
        shuffle = {
            "count": matched * rates["count_shuffle_bytes"],
            "balance": matched * rates["balance_shuffle_bytes"],
            "sample": kept * rates["sample_shuffle_bytes"],
        }
        written = {"count": 0, "balance": 0, "sample": kept * rates["kept_bytes"]}
        index_files = round(rates["index_files"])
        selecting = chosen.index_bytes / MEGABYTE / rates["index_megabytes_per_second"] if chosen else 0
        works = [
            *([_Work("select", index_files, index_files, selecting, 0, 0)] if chosen else []),
            _Work("extract", inputs, inputs, extract_seconds, 0, pairs * rates["pair_bytes"]),
            _Work(
                "dedup", pairs, files_of_pass, dedup_seconds, dedup_shuffle, distinct * rates["distinct_bytes"], passes
            ),
            _Work("match", distinct, files_of_pass * passes, match_seconds, 0, matched_bytes, passes),
            *(_Work(name, matched, tasks, seconds[name], shuffle[name], written[name]) for name in seconds),
        ]
        return tuple(self._stage(work) for work in works)

    def _stage(self, work: _Work) -> StagePlan:
        # No stage can use more cores than it has tasks.
        busy = min(self.cores, work.tasks)
        core_hours = work.seconds / 3600
        hours = core_hours / busy * self.rates["tail_factor"] + work.steps * self.rates["stage_minutes"] / 60
        return StagePlan(
            name=work.name,
            rows=work.rows,
            tasks=work.tasks,
            core_hours=core_hours,
            hours=hours,
            shuffle_bytes=round(work.shuffle_bytes),
            written_bytes=round(work.written_bytes),
            dollars=hours * self.cores * self.core_hour,
        )
