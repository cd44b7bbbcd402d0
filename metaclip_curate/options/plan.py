"""The options of a plan of executors, hours and dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, check_share, option

PlatformName = Literal["emr", "emr-serverless", "dataproc", "dataproc-serverless", "own"]


@dataclass(frozen=True)
class PlanOptions:
    """Options of a plan."""

    crawl: str = option(
        "", "crawl, such as CC-MAIN-2025-30, or CC-MAIN-2025-30:20 for 20 of its files", metavar="CRAWL"
    )
    input_files: int = option(
        0, "number of input files; 0: as many as the crawl has, if known", metavar="N", former="inputs"
    )
    index_pages: int = option(
        0, "number of pages that an input cc-index: chooses; 0: whole WAT files are read", metavar="N"
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
        for name, least in (
            ("input_files", 0),
            ("index_pages", 0),
            ("cores", 1),
            ("node_disk", 0),
            ("dedup_passes", 0),
        ):
            check_range(name, getattr(self, name), least)
        check_share("on_demand_share", self.on_demand_share)
        if self.dollars_per_core_hour < 0:
            raise UserError(f"--dollars-per-core-hour must not be below 0, as {self.dollars_per_core_hour} is")


@dataclass(frozen=True)
class RateTableOptions:
    """What is printed of the rates behind a plan."""

    show_rates: bool = option(
        False,
        "print all rates with their sources (default: the names of those that are assumed or given)",
        changes_output=False,
    )
