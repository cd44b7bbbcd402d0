"""Estimates tasks, memory, disk, hours and dollars of a run from measured and assumed rates.

Nothing here starts Spark or reads an input. Deployments take the sizes of executors from the same plan.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.cluster.executors import ExecutorPlan, executor_plan
from metaclip_curate.cluster.rates import Rates
from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option

PlatformName = Literal["emr", "emr-serverless", "dataproc", "dataproc-serverless", "own"]
MEGABYTE, GIGABYTE = 10**6, 10**9
_CRAWL_FILES = re.compile(r"[^:]+:(\d+)(?::\w+)?")
# Partitions of one shuffle: the driver keeps a few bytes about each pair of a map task and a partition.
_MOST_PARTITIONS = 8_000
_PAIRS_PER_TASK = 500_000
_PARTITION_BYTES = 128 * MEGABYTE
# Two rounds of files are extracted at a time, and one round must fill the cluster. A run that dies loses up to two.
_ROUND_FILES = 1_000


@dataclass(frozen=True)
class PlanOptions:
    """Options of a plan."""

    crawl: str = option(
        "", "crawl, such as CC-MAIN-2025-30, or CC-MAIN-2025-30:20 for 20 of its files", metavar="CRAWL"
    )
    input_files: int = option(
        0, "number of input files; 0: as many as the crawl has, if known", metavar="N", former="inputs"
    )
    cores: int = option(512, "number of cores (vCPU) of all executors", metavar="N")
    metadata: str = option("", "metadata folder, whose longest list determines a worker's memory", metavar="PATH")
    platform: PlatformName = option("emr", "service, which determines machines and prices")
    on_demand_share: float = option(0.125, "share of the cores that aren't on spot machines", metavar="SHARE")
    node_disk: int = option(0, "disk of a node; 0: as much as the platform's nodes have", metavar="GB")
    dedup_passes: int = option(0, "number of passes of deduplication; 0: as few as the nodes' disks allow", metavar="N")
    dollars_per_core_hour: float = option(
        0.0, "price of a core for an hour, all included; 0: the platform's", metavar="DOLLARS"
    )
    rates: tuple[str, ...] = option((), "replacements for rates that the plan is computed from", metavar="NAME=VALUE")

    def __post_init__(self) -> None:
        for name, least in (("input_files", 0), ("cores", 1), ("node_disk", 0), ("dedup_passes", 0)):
            if getattr(self, name) < least:
                raise UserError(f"{flag(name)} must be at least {least}, not {getattr(self, name)}")
        if not 0 <= self.on_demand_share <= 1:
            raise UserError(f"--on-demand-share must be a share from 0 to 1, not {self.on_demand_share}")
        if self.dollars_per_core_hour < 0:
            raise UserError(f"--dollars-per-core-hour must not be below 0, as {self.dollars_per_core_hour} is")


@dataclass(frozen=True)
class StagePlan:
    """Estimates for one stage.

    Attributes:
        name: The stage.
        rows: Number of pairs that it reads; in extraction, number of files.
        tasks: Number of tasks of its largest step.
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
class Plan:
    """The estimates for a run.

    Attributes:
        inputs: Number of input files.
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
        UserError: The memory of a node isn't enough.
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

    inputs = input_files(options, rates)
    pairs = round(inputs * rates["pairs_per_wat"])
    distinct = round(pairs * rates["distinct_share"])
    shuffled = round(pairs * rates["dedup_uid_bytes"] + distinct * rates["dedup_row_bytes"])
    disk = nodes * (options.node_disk or platform.node_disk_gigabytes) * GIGABYTE * rates["disk_share"]
    passes = options.dedup_passes or max(1, math.ceil(shuffled / disk))
    pairs_per_task = max(_PAIRS_PER_TASK, math.ceil(distinct / passes / _MOST_PARTITIONS))
    sizing = _Sizing(rates, options.cores, core_hour)
    stages = sizing.stages(inputs, pairs, passes, pairs_per_task)
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

    def stages(self, inputs: int, pairs: int, passes: int, pairs_per_task: int) -> tuple[StagePlan, ...]:
        rates = self.rates
        distinct = round(pairs * rates["distinct_share"])
        matched = round(distinct * rates["matched_share"])
        kept = round(matched * rates["kept_share"])
        extract_seconds = inputs * rates["extract_core_seconds"] / rates["extract_spark_efficiency"]
        dedup_seconds = (pairs * rates["dedup_microseconds"] + distinct * rates["distinct_microseconds"]) / 1e6
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
        works = [
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
