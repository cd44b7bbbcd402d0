"""Log lines that stay, and below them one line of status that is rewritten."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from metaclip_curate.console.terminal import cut, plain, shown, width

Clock = Callable[[], float]
_PLAIN_SECONDS = 30.0
_TIME, _DATE_AND_TIME = "%H:%M:%S", "%Y-%m-%d %H:%M:%S"


class StatusLine:
    """Writes log lines, each with the time of day, and one line of status below them.

    On a terminal the status is rewritten in place. In a file or a pipe it becomes a log line at most every
    `plain_seconds`, so that it doesn't fill the log, and the lines have the date as well. Threads may share an object.

    Args:
        stream: Stream to write to.
        clock: Returns monotonic seconds.
        now: Returns the local time.
        plain_seconds: Least number of seconds between two lines of status where they can't be rewritten.
    """

    def __init__(
        self,
        stream: TextIO,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
        plain_seconds: float = _PLAIN_SECONDS,
    ) -> None:
        self._stream = stream
        # A Console escapes carriage returns, which the status needs.
        self._plain = plain(stream)
        self._clock = clock
        self._now = now
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
            self._write_line(line)
            self._rewrite(status)
            self._stream.flush()

    def status(self, line: str) -> None:
        """Replaces the status; an empty line removes it."""
        with self._lock:
            if self._rewrites:
                self._rewrite(shown(line))
            elif line and self._clock() - self._last >= self._plain_seconds:
                self._last = self._clock()
                self._write_line(line)
            self._stream.flush()

    def _write_line(self, line: str) -> None:
        time_of_day = self._now().strftime(_TIME if self._rewrites else _DATE_AND_TIME)
        self._stream.write(f"{time_of_day} {shown(line)}\n")

    def _rewrite(self, line: str) -> None:
        if not self._rewrites or line == self._status:
            return
        # A line that reaches the last column would wrap, and a carriage return wouldn't get back to its beginning.
        line = cut(line, shutil.get_terminal_size().columns - 1)
        surplus = width(self._status) - width(line)
        for part in (line + " " * surplus, *([line] if surplus > 0 else [])):
            self._plain.write("\r")
            self._stream.write(part)
        self._status = line
