"""How far Spark is with the tasks of a stage, their rate, and how long the rest will take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from metaclip_curate.console.progress import Clock, bar, rate, time_left

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SECONDS = 0.5


class TaskProgress:
    """Follows the tasks of Spark's jobs.

    Args:
        name: First word of the lines.
        clock: Returns monotonic seconds.
    """

    def __init__(self, name: str, clock: Clock = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._active: frozenset[int] = frozenset()
        self._started, self._done_at_start = clock(), 0

    def line(self, stages: Mapping[int, tuple[int, int]]) -> str:
        """Returns how far things are.

        Args:
            stages: Number of tasks done and of all tasks, by the id of each of Spark's stages that is active.

        Returns:
            A line; empty if no stage is active.
        """
        if not stages:
            return ""
        done, tasks = (sum(numbers) for numbers in zip(*stages.values(), strict=True))
        if stages.keys() != self._active:
            # Tasks that were done before a stage was first seen would add to the rate and not to its time.
            self._active, self._started, self._done_at_start = frozenset(stages), self._clock(), done
        seen, seconds = done - self._done_at_start, self._clock() - self._started
        parts = [f"{self._name}: {bar(done, tasks)} {done:,} of {tasks:,} tasks"]
        return ", ".join([*parts, *rate(seen, seconds, "tasks"), *time_left(seen, tasks - done, seconds)])


@contextmanager
def task_progress(spark: SparkSession, name: str, status: Callable[[str], None]) -> Iterator[None]:
    """Reports how far Spark is while the block runs.

    Args:
        spark: The session. A session of Spark Connect has no status tracker, and nothing is reported.
        name: First word of the lines.
        status: Receives each line, which replaces the one before, and an empty one at the end.
    """
    tracker = _tracker(spark)
    if tracker is None:
        yield
        return
    progress, stop = TaskProgress(name), threading.Event()

    def follow() -> None:
        while not stop.wait(_SECONDS):
            line = progress.line(_active_stages(tracker))
            if line:
                status(line)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        status("")


def _tracker(spark: SparkSession) -> Any:
    try:
        return spark.sparkContext.statusTracker()
    except (AttributeError, NotImplementedError):  # Spark 4 raises NotImplementedError, 3.5 AttributeError
        return None


def _active_stages(tracker: Any) -> dict[int, tuple[int, int]]:
    stages = {}
    for number in tracker.getActiveStageIds():
        info = tracker.getStageInfo(number)
        if info is not None and info.numTasks:
            stages[number] = (info.numCompletedTasks, info.numTasks)
    return stages
