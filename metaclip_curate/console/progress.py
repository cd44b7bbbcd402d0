"""How far a long step is, in words: a bar, the rate, and the time that is left.

A rate or a time is only given once enough work has been seen, and rounded to two digits: the first tasks of a step end
together or not at all, and what follows from them is off by orders of magnitude.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from metaclip_curate.console.file_reports import FileReport

Clock = Callable[[], float]
_LEAST_SECONDS, _LEAST_DONE = 5.0, 3
_BAR_CHARACTERS = 20


class FileProgress:
    """Adds up the reports about a step's input files.

    Args:
        files: Number of input files.
        clock: Returns monotonic seconds; the step starts when the object is created.
    """

    def __init__(self, files: int, clock: Clock = time.monotonic) -> None:
        self._files = files
        self._clock = clock
        self._started = clock()
        self._reports: dict[str, dict[int | None, FileReport]] = {}  # by file and part

    def add(self, report: FileReport) -> None:
        """Replaces the last report of the file or part, since a task that is repeated reports from the beginning.

        A report of a whole file replaces those of its parts.
        """
        if report.part is None:
            self._reports[report.path] = {}
        self._reports.setdefault(report.path, {})[report.part] = report

    def __str__(self) -> str:
        reports = [report for of_file in self._reports.values() for report in of_file.values()]
        finished = sum(report.finished and report.part is None for report in reports)
        pairs = sum(report.pairs for report in reports)
        seconds = self._clock() - self._started
        parts = [f"{bar(finished, self._files)} {finished:,} of {self._files:,} files", f"{pairs:,} pairs"]
        parts += rate(pairs, seconds, "pairs")
        parts += time_left(finished, self._files - finished, seconds)
        return ", ".join(parts)


def bar(done: int, total: int) -> str:
    """Returns a share as a bar: [=====>....]."""
    full = _BAR_CHARACTERS * done // total if total else 0
    head = ">" if full < _BAR_CHARACTERS else ""
    return f"[{'=' * full}{head}{'.' * (_BAR_CHARACTERS - full - len(head))}]"


def rate(done: int, seconds: float, unit: str) -> list[str]:
    """Returns how fast work is done: `2,700 pairs/s`, `12 tasks/min`.

    Args:
        done: Number of units that were done.
        seconds: Time that they took.
        unit: Name of the units.

    Returns:
        One item, or none while too little was done.
    """
    if not _is_enough(done, seconds):
        return []
    for period, name in ((1, "s"), (60, "min")):
        if done / seconds * period >= 1:
            return [f"{_two_digits(done / seconds * period)} {unit}/{name}"]
    return [f"{_two_digits(done / seconds * 3600)} {unit}/h"]


def time_left(done: int, remaining: int, seconds: float) -> list[str]:
    """Returns how long the rest will take: `about 40 s left`.

    Args:
        done: Number of units that were done.
        remaining: Number of units that are left.
        seconds: Time that those done took.

    Returns:
        One item, or none where nothing is left or too little was done.
    """
    if not remaining or not _is_enough(done, seconds):
        return []
    left = seconds / done * remaining
    return [
        "less than 10 s left" if left < 10 else f"about {duration(10 * round(left / 10) if left < 60 else left)} left"
    ]


def duration(seconds: float) -> str:
    """Returns a time as people write it: 40 s, 3 min, 2 h 05 min."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def file_line(path: str, status: str, error: str, pairs: int, seconds: float) -> str:
    """Returns the log line of an input file that was read, from its row in `inputs`."""
    if status == "failed":
        return f"{path}: failed: {error}"
    about = f" ({error})" if error else ""
    return f"{path}: {status}, {pairs:,} pairs in {seconds:.1f} s{about}"


def _is_enough(done: int, seconds: float) -> bool:
    return done >= _LEAST_DONE and seconds >= _LEAST_SECONDS


def _two_digits(value: float) -> str:
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.1f}"
