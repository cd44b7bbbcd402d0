"""Ctrl-C and termination as exceptions of the main thread, so that what is open is closed on the way out."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class TerminatedError(KeyboardInterrupt):
    """The process was asked to end, by SIGTERM."""


@contextlib.contextmanager
def terminations_raised() -> Iterator[None]:
    """Raises `TerminatedError` on SIGTERM for as long as the block runs; Python itself does so with Ctrl-C.

    Other threads than the main one can't take signals: there it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise_terminated(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever asks twice doesn't want to wait
    cancel_jobs()
    raise TerminatedError


def cancel_jobs() -> None:
    """Cancels Spark's jobs, for which threads wait that nobody can interrupt."""
    pyspark = sys.modules.get("pyspark")
    context = pyspark.SparkContext._active_spark_context if pyspark else None
    if context is not None:
        # Where there is no way to Spark any more, there are no jobs either.
        with contextlib.suppress(Exception):
            context.cancelAllJobs()
