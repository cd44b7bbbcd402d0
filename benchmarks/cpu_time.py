"""Processor time, which depends less on the machine's other programs than wall time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# Between two looks at the processes of a command; what a process uses after the last look at it isn't counted.
_LOOK_SECONDS = 0.1


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
        for each in _descendants():
            ticks[each.program == "java"] += each.own + each.ended_children
        per_second = os.sysconf("SC_CLK_TCK")
        return cls(time.process_time(), ticks[True] / per_second, ticks[False] / per_second)

    @property
    def total(self) -> float:
        """The sum of all three."""
        return self.driver + self.jvm + self.workers

    def since(self, start: ProcessorSeconds) -> ProcessorSeconds:
        """Returns the seconds used since an earlier moment."""
        return ProcessorSeconds(self.driver - start.driver, self.jvm - start.jvm, self.workers - start.workers)


def command_seconds(process: subprocess.Popen[bytes]) -> float:
    """Waits until a command and all of its processes have ended; returns their processor seconds (Linux).

    The kernel's sum of ended children lacks those of a parent that ignores SIGCHLD, as the parent of Spark's Python
    workers does.

    Args:
        process: The only child of this process, which must be the subreaper of processes that outlive their parents.
    """
    used: dict[tuple[int, int], int] = {}
    while True:
        used.update((each.identity, each.own) for each in _descendants())
        if process.poll() is not None and _has_no_child():
            return sum(used.values()) / os.sysconf("SC_CLK_TCK")
        time.sleep(_LOOK_SECONDS)


def _has_no_child() -> bool:
    """Reaps children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


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
    ticks = sum(each.own + each.ended_children for each in _descendants())
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Descendant:
    """A process that this one or a descendant of it started.

    Attributes:
        identity: Its number and the time of its start, since numbers are used again.
        program: Name of its program.
        own: Ticks that it has used.
        ended_children: Ticks of its ended children.
    """

    identity: tuple[int, int]
    program: str
    own: int
    ended_children: int


def _descendants() -> Iterator[_Descendant]:
    found: dict[int, _Descendant] = {}
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        try:
            before, _, after = (entry / "stat").read_text().rpartition(")")
        except OSError:  # it has ended
            continue
        fields, number = after.split(), int(entry.name)
        own, ended_children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
        found[number] = _Descendant((number, int(fields[19])), before.partition("(")[2], own, ended_children)
        children.setdefault(int(fields[1]), []).append(number)
    pending = list(children.get(os.getpid(), []))
    while pending:
        process = pending.pop()
        yield found[process]
        pending += children.get(process, [])
