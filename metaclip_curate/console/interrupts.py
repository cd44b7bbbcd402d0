"""Ctrl-C and SIGTERM as exceptions of the main thread, so that open files and sessions are closed."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CANCEL_SECONDS = 10.0


class TerminatedError(KeyboardInterrupt):
    """The process received SIGTERM."""


@contextlib.contextmanager
def interrupts_raised() -> Iterator[None]:
    """Cancels Spark's jobs and raises an exception on Ctrl-C and on SIGTERM within the block.

    Outside the main thread, which alone receives signals, it does nothing.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
        TerminatedError: The process received SIGTERM.
    """
    if not _in_main_thread():
        yield
        return
    disabled = logging.root.manager.disable
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        logging.disable(disabled)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def handler_kept() -> Iterator[None]:
    """Keeps the handler of `interrupts_raised` when Spark starts and sets its own.

    Spark's handler calls Java on the connection on which the main thread may be waiting, and fails.
    """
    ours = _in_main_thread() and signal.getsignal(signal.SIGINT) is _interrupt
    yield
    if ours:
        signal.signal(signal.SIGINT, _interrupt)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second Ctrl-C ends the process at once
    logging.disable(logging.CRITICAL)  # py4j would log the exception with its traceback
    # Another thread has its own connection to Java.
    cancelling = threading.Thread(target=cancel_jobs, daemon=True)
    cancelling.start()
    cancelling.join(_CANCEL_SECONDS)
    raise TerminatedError if number == signal.SIGTERM else KeyboardInterrupt


def cancel_jobs() -> None:
    """Cancels Spark's jobs, since the threads that wait for them can't be interrupted."""
    pyspark = sys.modules.get("pyspark")
    context = getattr(getattr(pyspark, "SparkContext", None), "_active_spark_context", None)
    if context is not None:
        # Without a connection to Spark there are no jobs either.
        with contextlib.suppress(Exception):
            context.setLogLevel("OFF")  # the cancelled jobs would be logged as errors
            context.cancelAllJobs()
