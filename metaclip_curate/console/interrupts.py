"""Ctrl-C and SIGTERM as exceptions of the main thread, so that what is open is closed on the way out."""

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
    """The process was asked to end, by SIGTERM."""


@contextlib.contextmanager
def interrupts_raised() -> Iterator[None]:
    """Raises on Ctrl-C and on SIGTERM for as long as the block runs, and cancels Spark's jobs first.

    Other threads than the main one can't take signals: there it does nothing.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
        TerminatedError: SIGTERM came.
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
    """Keeps what `interrupts_raised` does on Ctrl-C while Spark starts.

    Spark's own handler asks Java on the connection on which the main thread may be waiting, and fails.
    """
    ours = _in_main_thread() and signal.getsignal(signal.SIGINT) is _interrupt
    yield
    if ours:
        signal.signal(signal.SIGINT, _interrupt)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # whoever asks twice doesn't want to wait
    logging.disable(logging.CRITICAL)  # py4j logs the exception's trace
    # A thread of its own has a connection to Java of its own.
    cancelling = threading.Thread(target=cancel_jobs, daemon=True)
    cancelling.start()
    cancelling.join(_CANCEL_SECONDS)
    raise TerminatedError if number == signal.SIGTERM else KeyboardInterrupt


def cancel_jobs() -> None:
    """Cancels Spark's jobs: threads wait for them that nobody can interrupt."""
    pyspark = sys.modules.get("pyspark")
    context = getattr(getattr(pyspark, "SparkContext", None), "_active_spark_context", None)
    if context is not None:
        # Where there is no way to Spark any more, there are no jobs either.
        with contextlib.suppress(Exception):
            context.setLogLevel("OFF")  # of its jobs' end everybody knows
            context.cancelAllJobs()
