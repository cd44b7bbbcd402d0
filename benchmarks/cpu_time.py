"""Processor time, which depends less on the machine's other programs than wall time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_PROC = Path("/proc")


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
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for entry in _PROC.glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        ticks[int(entry.name)] = sum(map(int, fields[11:15]))  # its own ticks and those of its ended children
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    total, pending = 0, list(children.get(os.getpid(), []))
    while pending:
        process = pending.pop()
        total += ticks[process]
        pending += children.get(process, [])
    return total / os.sysconf("SC_CLK_TCK")
