"""A local session for benchmarks, and a clock with a temporary folder."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from metaclip_curate.options.run import RunOptions
from metaclip_curate.spark.session import get_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Clock:
    """Wall time of steps.

    Args:
        folder: Temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> float:
        """Ends a step; returns its seconds."""
        now = time.perf_counter()
        self.laps[name], self._since = now - self._since, now
        return self.laps[name]

    def print(self) -> None:
        """Prints the steps."""
        print("\n" + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.laps.items()))


@contextmanager
def timed() -> Iterator[Clock]:
    """Starts a clock, with a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Clock(Path(folder))


@contextmanager
def local_spark(settings: Mapping[str, str] | None = None) -> Iterator[SparkSession]:
    """Starts a session and warms it up, so that its start isn't measured."""
    session = get_session(RunOptions(master="local[2]"), settings)
    session.range(1000).mapInArrow(lambda batches: batches, "id long").count()
    try:
        yield session
    finally:
        session.stop()
