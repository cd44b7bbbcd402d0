"""What a run will take: tasks, memory, disk, hours and dollars, from measured and assumed figures.

Nothing here starts Spark or reads an input. The same numbers size a deployment's executors.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.cluster.executors import ExecutorPlan, executor_plan
from metaclip_curate.cluster.rates import Figures
from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option

PlatformName = Literal["emr", "emr-serverless", "dataproc", "dataproc-serverless", "own"]
MEGABYTE, GIGABYTE = 10**6, 10**9
_CRAWL_FILES = re.compile(r"[^:]+:(\d+)(?::\w+)?")
# Partitions of one shuffle: the driver keeps a word about each pair of a map task and a partition.
_MOST_PARTITIONS = 8_000
_PAIRS_PER_TASK = 500_000
_PARTITION_BYTES = 128 * MEGABYTE
# Extraction has two rounds of files under way; each must be able to fill the cluster, within what a round may lose.
_ROUND_FILES = 1_000


@dataclass(frozen=True)
class PlanOptions:
    """What is planned, and on what."""

    crawl: str = option("", "the crawl, such as CC-MAIN-2025-30, or CC-MAIN-2025-30:20 for 20 files of it")
    inputs: int = option(0, "number of input files; 0: as many as the crawl has, as far as known")
    cores: int = option(512, "cores (vCPU) of all executors together")
    metadata: str = option("", "the metadata folder, whose largest list decides about a worker's memory")
    platform: PlatformName = option("emr", "where it runs, which decides about machines and prices")
    on_demand_share: float = option(0.125, "share of the cores that aren't spot machines")
    node_disk: int = option(0, "disk of a node, GB; 0: as the platform's nodes have")
    dedup_passes: int = option(0, "passes of deduplication; 0: as few as the nodes' disks allow")
    dollars_per_core_hour: float = option(0.0, "price of a core for an hour, all in; 0: the platform's")
    figures: tuple[str, ...] = option((), "NAME=VALUE in the place of numbers that are planned with")

    def __post_init__(self) -> None:
        for name, least in (("inputs", 0), ("cores", 1), ("node_disk", 0), ("dedup_passes", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{flag(name)} must be at least {least}, not {getattr(self, name)}")
        if not 0 <= self.on_demand_share <= 1:
            raise UserError(f"--on-demand-share must be a share from 0 to 1, not {self.on_demand_share}")
        if self.dollars_per_core_hour < 0:
            raise UserError(f"--dollars-per-core-hour must not be below 0, as {self.dollars_per_core_hour} is")


@dataclass(frozen=True)
class StagePlan:
    """One stage.

    Attributes:
        name: The stage.
        rows: Pairs (or files, in extraction) that it takes.
        tasks: Tasks of its largest step.
        core_hours: Work, without what is idle.
        hours: How long it takes.
        shuffle_bytes: What is on the nodes' disks at the same time.
        written_bytes: What it adds to the run folder.
        dollars: What the cluster costs meanwhile.
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
class Plan:
    """All that is known before a run.

    Attributes:
        inputs: Input files.
        entries: Of the largest list; 0 where it isn't known.
        nodes: Machines with executors.
        executor: How they are cut.
        stages: In order.
        dedup_passes, pairs_per_task, files_per_round, shuffle_partitions: What the options of these names should be.
        core_hour: Dollars.
        startup_hours: What is paid for before the first stage.
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

    @property
    def hours(self) -> float:
        """From the first machine to the last stage's end."""
        return self.startup_hours + sum(stage.hours for stage in self.stages)

    @property
    def dollars(self) -> float:
        """What all of it costs, storage of the run folder not counted."""
        cores = self.executor.cores * self.executor.instances
        return self.startup_hours * cores * self.core_hour + sum(stage.dollars for stage in self.stages)


def input_files(options: PlanOptions, figures: Figures) -> int:
    """How many files are read: as given, as a crawl's name says, or as many as a crawl has."""
    if options.inputs:
        return options.inputs
    named = _CRAWL_FILES.fullmatch(options.crawl)
    return int(named[1]) if named else round(figures["inputs_per_crawl"])


def plan(options: PlanOptions, figures: Figures, entries: int = 0) -> Plan:
    """Works out a run.

    Args:
        options: What is planned.
        figures: The numbers, `options.figures` already in them.
        entries: Entries of the largest metadata list; 0 takes the size that was measured.

    Returns:
        The plan.

    Raises:
        UserError: The memory of a node isn't enough.
    """
    platform = figures.platforms[options.platform]
    list_size = entries or round(figures["largest_list"])
    matching = figures["match_worker_base_megabytes"] + list_size * figures["match_worker_bytes_per_entry"] / MEGABYTE
    worker = math.ceil(max(figures["extract_worker_megabytes"], matching) * figures["memory_margin"])
    executor = executor_plan(platform, options.cores, worker, figures["heap_megabytes"])
    nodes = -(-executor.instances // executor.per_node)
    core_hour = options.dollars_per_core_hour or (
        options.on_demand_share * platform.core_hour + (1 - options.on_demand_share) * platform.spot_core_hour
    )

    inputs = input_files(options, figures)
    pairs = round(inputs * figures["pairs_per_wat"])
    shuffled = round(pairs * figures["match_shuffle_bytes"])
    disk = nodes * (options.node_disk or platform.node_disk_gigabytes) * GIGABYTE * figures["disk_share"]
    passes = options.dedup_passes or max(1, math.ceil(shuffled / disk))
    pairs_per_task = max(_PAIRS_PER_TASK, math.ceil(pairs / passes / _MOST_PARTITIONS))
    sizing = _Sizing(figures, options.cores, core_hour)
    stages = sizing.stages(inputs, pairs, passes, pairs_per_task)
    largest = max(stage.shuffle_bytes for stage in stages if stage.name != "match")
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
        startup_hours=figures["cluster_minutes"] / 60,
    )


@dataclass(frozen=True)
class _Sizing:
    figures: Figures
    cores: int
    core_hour: float

    def stages(self, inputs: int, pairs: int, passes: int, pairs_per_task: int) -> tuple[StagePlan, ...]:
        of = self.figures
        distinct = round(pairs * of["distinct_share"])
        matched = round(distinct * of["matched_share"])
        kept = round(matched * of["kept_share"])
        of_pass = -(-pairs // passes)
        extract = inputs * of["extract_core_seconds"] / of["extract_spark_efficiency"]
        match = pairs * of["match_microseconds"] / 1e6
        shuffle = round(of_pass * of["match_shuffle_bytes"])
        matched_bytes = matched * of["matched_bytes"]
        tasks = max(1, math.ceil(matched_bytes / _PARTITION_BYTES))
        return (
            self._stage("extract", inputs, inputs, extract, 0, pairs * of["pair_bytes"]),
            self._stage("match", pairs, max(1, -(-of_pass // pairs_per_task)), match, shuffle, matched_bytes, passes),
            self._by_row("count", matched, tasks, matched * of["count_shuffle_bytes"], 0),
            self._by_row("balance", matched, tasks, matched * of["balance_shuffle_bytes"], 0),
            self._by_row("sample", matched, tasks, kept * of["sample_shuffle_bytes"], kept * of["kept_bytes"]),
        )

    def _by_row(self, name: str, rows: int, tasks: int, shuffle: float, written: float) -> StagePlan:
        seconds = rows * self.figures[f"{name}_microseconds"] / 1e6
        return self._stage(name, rows, tasks, seconds, round(shuffle), written)

    def _stage(
        self, name: str, rows: int, tasks: int, seconds: float, shuffle: int, written: float, steps: int = 1
    ) -> StagePlan:
        # No stage can use more cores than it has tasks.
        busy = min(self.cores, tasks)
        hours = seconds / 3600 / busy * self.figures["tail_factor"] + steps * self.figures["stage_minutes"] / 60
        dollars = hours * self.cores * self.core_hour
        return StagePlan(name, rows, tasks, seconds / 3600, hours, shuffle, round(written), dollars)
