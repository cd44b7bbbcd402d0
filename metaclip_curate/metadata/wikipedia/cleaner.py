"""Wikitext to plain text in a child process, with limits of time and memory per page.

The parser is C code. While it works, nothing in its process can stop it, neither a signal handler of Python nor another
thread, and a page can keep it busy for hours (the time is quadratic in the number of nested braces that never close).
It therefore runs in a child, `cleaner_process`, whose memory is limited and which the kernel ends when the processor
time for a page is used up. The page is counted, and a new child takes the next one. The limit is of processor time
rather than wall time, so that the same pages succeed on a busy machine.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import IO

from metaclip_curate.metadata.wikipedia.messages import receive, send
from metaclip_curate.metadata.wikipedia.stats import Fate

_PROCESS = "metaclip_curate.metadata.wikipedia.cleaner_process"


class Cleaner:
    """A child process and its successors, for use by one thread."""

    def __init__(self, hidden: frozenset[str], seconds: float) -> None:
        """Stores the limits; the child is started by the first call of `clean`.

        Args:
            hidden: Namespaces in lower case, links to which aren't text.
            seconds: Longest processor time for a page, seconds.
        """
        self._hidden = hidden
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def clean(self, wikitext: str) -> tuple[str, Fate]:
        """Converts a page.

        Returns:
            The text and `used`, or an empty string and the reason why there is no text.
        """
        child = self._child = self._child or self._start()
        answer = None
        with contextlib.suppress(BrokenPipeError):
            send(_pipe(child.stdin), wikitext.encode("utf-8", "replace"))
            answer = receive(_pipe(child.stdout))
        if answer is not None:
            is_text, text = answer[:1] == b"+", answer[1:].decode()
            return (text, "used") if is_text else ("", "broken_markup")
        status = child.wait()
        self.close()
        return "", "timeout" if status == -signal.SIGPROF else "crashed"

    def close(self) -> None:
        """Ends the child; the next call of `clean` starts a new one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(BrokenPipeError):  # data that were still to be sent
                _pipe(pipe).close()

    def _start(self) -> subprocess.Popen[bytes]:
        # The child finds the package in the same folders, which may be in an archive that Spark sent.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return subprocess.Popen(
            [sys.executable, "-m", _PROCESS, str(self._seconds), *sorted(self._hidden)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # Popen was called with PIPE
    return pipe
