"""The stage extract on local[2], against the same files read by a bare loop."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cpu_time import descendants_seconds
from benchmarks.local_spark import local_spark
from metaclip_curate.extract import ReadOptions, read_pairs
from metaclip_curate.language import LanguageIdentifier
from metaclip_curate.schemas import PAIRS
from metaclip_curate.stages.accounts import read_table, write_once
from metaclip_curate.stages.extract import ExtractTask, extract
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class SparkCost:
    """Processor seconds for the same files, summed over all processes.

    Attributes:
        bare: A loop over `read_pairs`.
        unwritten: The stage, its rows thrown away.
        written: The stage and the work folder.
        split: The table read back from there and written.
        wall: Wall seconds of `written` on two cores.
    """

    bare: float
    unwritten: float
    written: float
    split: float
    wall: float


def measure(paths: list[Path], rounds: int) -> SparkCost:
    """Measures the best of some rounds; the session's start isn't counted."""
    bare = min(_bare(paths) for _ in range(rounds))
    with local_spark() as spark, tempfile.TemporaryDirectory() as folder:
        work, table = f"{folder}/work", f"{folder}/pairs"

        def unwritten() -> None:
            _rows(spark, paths).write.format("noop").mode("overwrite").save()

        def written() -> None:
            write_once(_rows(spark, paths), work)

        def split() -> None:
            read_table(spark, work, PAIRS).write.mode("overwrite").option("compression", "zstd").parquet(table)

        measured = [min(_spent(step) for _ in range(rounds)) for step in (unwritten, written, split)]
    return SparkCost(bare, measured[0][0], measured[1][0], measured[2][0], measured[1][1])


def _rows(spark: SparkSession, paths: list[Path]) -> DataFrame:
    return extract(spark, list(map(str, paths)), ExtractTask("", ReadOptions(), StorageOptions()))


def _bare(paths: list[Path]) -> float:
    identifier = LanguageIdentifier()
    started = time.process_time()
    for path in paths:
        for _ in read_pairs(str(path), identifier):
            pass
    return time.process_time() - started


def _spent(step: Callable[[], None]) -> tuple[float, float]:
    """Processor seconds of the JVM and the workers, and wall seconds."""
    before, started = descendants_seconds(), time.perf_counter()
    step()
    return descendants_seconds() - before, time.perf_counter() - started
