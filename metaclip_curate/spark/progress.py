"""How far Spark is with what a stage asked of it: tasks done, their rate, and how long the others will take."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from metaclip_curate.console.progress import Clock, bar, duration

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SECONDS = 0.5


class TaskProgress:
    """Follows the tasks of one step of a job after the other.

    Args:
        name: What the line begins with.
        clock: Monotonic seconds.
    """

    def __init__(self, name: str, clock: Clock = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._steps: tuple[int, ...] = ()
        self._started = clock()

    def line(self, steps: dict[int, tuple[int, int]]) -> str:
        """Writes how far things are.

        Args:
            steps: Tasks done and all tasks of each of Spark's stages that is under way, by its id.

        Returns:
            A line; empty where nothing is under way.
        """
        if not steps:
            return ""
        if tuple(sorted(steps)) != self._steps:
            self._steps, self._started = tuple(sorted(steps)), self._clock()
        done, tasks = (sum(numbers) for numbers in zip(*steps.values(), strict=True))
        seconds = self._clock() - self._started
        parts = [f"{self._name} {bar(done, tasks)} {done:,} of {tasks:,} tasks"]
        if done and seconds > 0:
            parts.append(f"{done / seconds:,.1f} a second")
            if done < tasks:
                parts.append(f"about {duration(seconds / done * (tasks - done))} left")
        return ", ".join(parts)


@contextmanager
def task_progress(spark: SparkSession, name: str, status: Callable[[str], None]) -> Iterator[None]:
    """Tells how far Spark is for as long as the block runs.

    Args:
        spark: The session. One of Spark Connect, which can't be asked this way, leaves the status alone.
        name: What the lines begin with.
        status: Takes the lines, each in the place of the last, and at the end an empty one.
    """
    tracker = _tracker(spark)
    if tracker is None:
        yield
        return
    progress, stop = TaskProgress(name), threading.Event()

    def follow() -> None:
        while not stop.wait(_SECONDS):
            line = progress.line(_steps(tracker))
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
    except (AttributeError, NotImplementedError):  # the one is Spark 4's, the other 3.5's
        return None


def _steps(tracker: Any) -> dict[int, tuple[int, int]]:
    steps = {}
    for number in tracker.getActiveStageIds():
        info = tracker.getStageInfo(number)
        if info is not None and info.numTasks:
            steps[number] = (info.numCompletedTasks, info.numTasks)
    return steps
