"""The stage extract on local[2] against a bare loop over the same files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.cpu_time import descendants_seconds
from benchmarks.local_spark import local_spark
from metaclip_curate.extract import ReadOptions, read_pairs
from metaclip_curate.stages.extract import write_pairs
from metaclip_curate.stages.extract_task import LAYOUT, ExtractTask, InputPart
from metaclip_curate.stages.shared.parquet_files import write_file
from metaclip_curate.storage import StorageOptions


@dataclass(frozen=True)
class SparkCost:
    """Processor seconds for the same files, summed over all processes.

    Attributes:
        bare: Processor seconds of a loop over `read_pairs`.
        written: Processor seconds of that loop with the pairs written as the stage writes them.
        stage: Processor seconds of the stage.
        wall: Wall seconds of the stage on two cores.
    """

    bare: float
    written: float
    stage: float
    wall: float


def measure(paths: list[Path], rounds: int) -> SparkCost:
    """Measures the best of several rounds, without the session's start."""
    with local_spark() as spark, tempfile.TemporaryDirectory() as folder:
        task = ExtractTask(ReadOptions(), StorageOptions())
        names = list(map(str, paths))

        def bare() -> None:
            for name in names:
                for _ in read_pairs(name):
                    pass

        def written() -> None:
            for number, name in enumerate(names):
                name_file = partial(str, f"{number}.parquet")
                write_file(read_pairs(name), LAYOUT, f"{folder}/loop", name_file, StorageOptions())

        def stage() -> None:
            write_pairs(spark, list(map(InputPart, names)), task, f"{folder}/pairs")

        steps = {"bare": bare, "written": written, "stage": stage}
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
        for _ in range(rounds):  # taking turns, since the machine has other work
            for name, step in steps.items():
                found[name].append(_spent(step))
    best = {name: min(spent)[0] for name, spent in found.items()}
    return SparkCost(**best, wall=min(wall for _, wall in found["stage"]))


def _spent(step: Callable[[], None]) -> tuple[float, float]:
    """Returns processor seconds of this process, the JVM and the workers, and wall seconds."""
    before, started = time.process_time() + descendants_seconds(), time.perf_counter()
    step()
    return time.process_time() + descendants_seconds() - before, time.perf_counter() - started
