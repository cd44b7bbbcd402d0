"""Processor time, which depends less on the machine's other programs than wall time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessorSeconds:
    """Processor seconds of a Spark program (Linux; elsewhere only the driver's).

    Attributes:
        driver: Those of this process.
        jvm: Those of the JVM.
        workers: Those of the Python workers, and of all other descendants.
    """

    driver: float
    jvm: float
    workers: float

    @classmethod
    def now(cls) -> ProcessorSeconds:
        """Returns the seconds used so far."""
        ticks = {True: 0, False: 0}
        for name, used in _descendants():
            ticks[name == "java"] += used
        per_second = os.sysconf("SC_CLK_TCK")
        return cls(time.process_time(), ticks[True] / per_second, ticks[False] / per_second)

    @property
    def total(self) -> float:
        """The sum of all three."""
        return self.driver + self.jvm + self.workers

    def since(self, start: ProcessorSeconds) -> ProcessorSeconds:
        """Returns the seconds used since an earlier moment."""
        return ProcessorSeconds(self.driver - start.driver, self.jvm - start.jvm, self.workers - start.workers)


def best_seconds(tasks: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Measures tasks side by side, each once a round, so that noise affects all of them alike.

    Args:
        tasks: Tasks by name.
        rounds: Number of rounds.

    Returns:
        The least processor seconds of each task, since noise only adds.
    """
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            started = time.process_time()
            task()
            found[name].append(time.process_time() - started)
    return {name: min(seconds) for name, seconds in found.items()}


def descendants_seconds() -> float:
    """Returns the processor seconds that this process's descendants have used so far (Linux; elsewhere 0)."""
    return sum(ticks for _, ticks in _descendants()) / os.sysconf("SC_CLK_TCK")


def _descendants() -> Iterator[tuple[str, int]]:
    """Yields the program and the ticks of each descendant, with those of its ended children."""
    found: dict[int, tuple[str, int]] = {}
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        try:
            before, _, after = (entry / "stat").read_text().rpartition(")")
        except OSError:  # it has ended
            continue
        fields = after.split()
        found[int(entry.name)] = (before.partition("(")[2], sum(map(int, fields[11:15])))
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    pending = list(children.get(os.getpid(), []))
    while pending:
        process = pending.pop()
        yield found[process]
        pending += children.get(process, [])
