"""How far a long step is: a log of what is done, and one line of status below it.

Nothing here knows Spark. Workers of a local run tell what they are at by a file that the driver reads; where they
can't reach it, on a cluster, the status moves on when a round of files is committed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from metaclip_curate.console.terminal import plain, shown

Clock = Callable[[], float]
# Seconds between two lines of status where they can't be rewritten, and between two reports of a file that is read.
_PLAIN_SECONDS = 30.0
_REPORT_SECONDS = 1.0
_BAR = 20  # characters


class StatusLine:
    """Writes log lines, and below them one line of status.

    On a terminal the status is rewritten in place; elsewhere it is a plain line, and not more than one in a while, so
    that a log isn't filled with it. Threads may use it.

    Args:
        stream: Where to.
        clock: Monotonic seconds.
        plain_seconds: The shortest time between two plain lines of status.
    """

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic, plain_seconds: float = _PLAIN_SECONDS) -> None:
        # The status needs carriage returns, which a console doesn't let through.
        self._stream = stream
        self._plain = plain(stream)
        self._clock = clock
        self._plain_seconds = plain_seconds
        self._rewrites = stream.isatty()
        self._status = ""
        self._last = clock()
        self._lock = threading.Lock()

    def log(self, line: str) -> None:
        """Writes a line that stays."""
        with self._lock:
            status = self._status
            self._rewrite("")
            self._stream.write(shown(line) + "\n")
            self._rewrite(status)
            self._stream.flush()

    def status(self, line: str) -> None:
        """Shows how far things are; an empty line takes the status away."""
        line = shown(line)
        with self._lock:
            if self._rewrites:
                self._rewrite(line)
            elif line and self._clock() - self._last >= self._plain_seconds:
                self._last = self._clock()
                self._stream.write(line + "\n")
            self._stream.flush()

    def _rewrite(self, line: str) -> None:
        if not self._rewrites or line == self._status:
            return
        # A line that reaches the last column would wrap, and then can't be gone back over.
        line = line[: shutil.get_terminal_size().columns - 1]
        gone = len(self._status) - len(line)
        for part in (line + " " * gone, *([line] if gone > 0 else [])):
            self._plain.write("\r")
            self._stream.write(part)
        self._status = line


@dataclass(frozen=True)
class FileReport:
    """What is known of an input file.

    Attributes:
        path: The file.
        pairs: Its pairs, so far.
        finished: Whether that is all.
    """

    path: str
    pairs: int
    finished: bool


class FileProgress:
    """Adds up what is known of the files of a step.

    Args:
        files: How many there are.
        clock: Monotonic seconds; the step starts now.
    """

    def __init__(self, files: int, clock: Clock = time.monotonic) -> None:
        self._files = files
        self._clock = clock
        self._started = clock()
        self._reports: dict[str, FileReport] = {}

    def add(self, report: FileReport) -> None:
        """Takes a report in the place of the file's last one; a task that is done again reports again."""
        self._reports[report.path] = report

    def __str__(self) -> str:
        finished = sum(report.finished for report in self._reports.values())
        pairs = sum(report.pairs for report in self._reports.values())
        seconds = self._clock() - self._started
        parts = [f"{bar(finished, self._files)} {finished:,} of {self._files:,} files", f"{pairs:,} pairs"]
        if seconds > 0 and pairs:
            parts.append(f"{pairs / seconds:,.0f} pairs/s")
        if 0 < finished < self._files:
            parts.append(f"about {duration(seconds / finished * (self._files - finished))} left")
        return ", ".join(parts)


def bar(done: int, all_of_them: int) -> str:
    """Draws a share as a bar: [=====>....]."""
    full = _BAR * done // all_of_them if all_of_them else 0
    head = ">" if full < _BAR else ""
    return f"[{'=' * full}{head}{'.' * (_BAR - full - len(head))}]"


def duration(seconds: float) -> str:
    """Writes a time as people do: 40 s, 3 min, 2 h 05 min."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def file_line(path: str, status: str, error: str, pairs: int, seconds: float) -> str:
    """Writes the log line of a file that was read, from its row in `inputs`."""
    if status == "failed":
        return f"{path}: failed: {error}"
    about = f" ({error})" if error else ""
    return f"{path}: {status}, {pairs:,} pairs in {seconds:.1f} s{about}"


class Reporter:
    """A worker's end of the file of reports.

    Args:
        file: Its path; empty for none. It is never made here: on another machine there is none, and nothing is told.
        clock: Monotonic seconds.
    """

    def __init__(self, file: str, clock: Clock = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._last = clock()

    def report(self, report: FileReport) -> None:
        """Appends a report; one of a file that isn't finished only once in a while."""
        if not self._file or (not report.finished and self._clock() - self._last < _REPORT_SECONDS):
            return
        self._last = self._clock()
        line = json.dumps(asdict(report)).encode() + b"\n"
        # Telling is no reason to fail. One write of an appended line isn't mixed with another process's.
        with contextlib.suppress(OSError):
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)


class Reports:
    """The driver's end of the file of reports.

    Args:
        file: Its path.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0

    def new(self) -> Iterator[FileReport]:
        """Yields what was reported since the last call."""
        with self._file.open("rb") as stream:
            stream.seek(self._read)
            for line in stream:
                if not line.endswith(b"\n"):
                    break  # it is being written
                self._read += len(line)
                yield FileReport(**json.loads(line))


@contextmanager
def reports_file() -> Iterator[Path]:
    """Makes a file of reports in the temporary folder, for as long as it is needed."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="metaclip-curate-") as folder:
        file = Path(folder) / "reports.jsonl"
        file.touch()
        yield file
