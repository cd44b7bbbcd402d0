"""The stage extract on local[2], against the same files read by a bare loop."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu_time import descendants_seconds
from benchmarks.local_spark import local_spark
from metaclip_curate.extract import ReadOptions, read_pairs
from metaclip_curate.language import LanguageIdentifier
from metaclip_curate.stages.extract import ExtractTask, extract, write_pairs
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class SparkCost:
    """Processor seconds for the same files, summed over all processes.

    Attributes:
        bare: A loop over `read_pairs`.
        unwritten: The stage, its rows thrown away.
        written: The stage as it is: pairs and accounts written and held to each other.
        wall: Wall seconds of `written` on two cores.
    """

    bare: float
    unwritten: float
    written: float
    wall: float


def measure(paths: list[Path], rounds: int) -> SparkCost:
    """Measures the best of some rounds; the session's start isn't counted."""
    bare = min(_bare(paths) for _ in range(rounds))
    with local_spark() as spark, tempfile.TemporaryDirectory() as folder:
        task = ExtractTask("", ReadOptions(), StorageOptions())
        names = list(map(str, paths))

        def unwritten() -> None:
            extract(spark, names, task).write.format("noop").mode("overwrite").save()

        def written() -> None:
            write_pairs(spark, names, task, f"{folder}/pairs")

        measured = [min(_spent(step) for _ in range(rounds)) for step in (unwritten, written)]
    return SparkCost(bare, measured[0][0], measured[1][0], measured[1][1])


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
