"""Reports about input files from the workers of a local run to its driver, through a file that both can open.

On a cluster the workers can't open the driver's file: there they report nothing, and the driver learns of the input
files when their round is finished.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

Clock = Callable[[], float]
_REPORT_SECONDS = 1.0


@dataclass(frozen=True)
class FileReport:
    """How far an input file, or a part of one, has been read.

    Attributes:
        path: Path of the input file.
        pairs: Number of its pairs so far.
        finished: Whether it has been read to its end.
        part: Number of the part of a file that several tasks read; None for a whole file.
    """

    path: str
    pairs: int
    finished: bool
    part: int | None = None


class Reporter:
    """Appends a worker's reports to the file.

    Args:
        file: Path of the file; empty for none. A file that doesn't exist isn't created, since then the driver runs on
            another machine.
        clock: Returns monotonic seconds.
    """

    def __init__(self, file: str, clock: Clock = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._last = clock()

    def report(self, report: FileReport) -> None:
        """Appends a report; of what isn't finished, at most one each second."""
        if not self._file or (not report.finished and self._clock() - self._last < _REPORT_SECONDS):
            return
        self._last = self._clock()
        line = json.dumps(asdict(report)).encode() + b"\n"
        # A task mustn't fail because its report can't be written. A single write to a file that is opened for
        # appending isn't mixed with that of another process.
        with contextlib.suppress(OSError):
            handle = os.open(self._file, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, line)
            finally:
                os.close(handle)


class Reports:
    """Reads the workers' reports in the driver.

    Args:
        file: Path of the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0

    def new(self) -> Iterator[FileReport]:
        """Yields the reports that were appended since the last call."""
        with self._file.open("rb") as stream:
            stream.seek(self._read)
            for line in stream:
                if not line.endswith(b"\n"):
                    break  # a worker is still writing it
                self._read += len(line)
                yield FileReport(**json.loads(line))


@contextmanager
def reports_file() -> Iterator[Path]:
    """Creates an empty file of reports in the temporary folder and removes it at the end."""
    with tempfile.TemporaryDirectory(prefix="metaclip-curate-") as folder:
        file = Path(folder) / "reports.jsonl"
        file.touch()
        yield file
