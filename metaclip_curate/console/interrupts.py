"""Ctrl-C, SIGTERM and SIGHUP as exceptions of the main thread, so that open files and sessions are closed."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CANCEL_SECONDS = 10.0
_SERVER_SECONDS = 3.0


class TerminatedError(KeyboardInterrupt):
    """The process received SIGTERM."""


class HungUpError(TerminatedError):
    """The process received SIGHUP: its terminal was closed, or the connection to it has ended."""


_ERRORS = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: TerminatedError, signal.SIGHUP: HungUpError}


class InterruptHandler:
    """Handler of Ctrl-C, SIGTERM and SIGHUP that cancels Spark's jobs and raises an exception."""

    def __init__(self) -> None:
        self._received: KeyboardInterrupt | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handles a signal."""
        signal.signal(number, signal.SIG_DFL)  # a second Ctrl-C ends the process at once
        self._received = _ERRORS[signal.Signals(number)]()
        logging.disable(logging.CRITICAL)  # py4j would log the exception with its traceback
        # Another thread has its own connection to Java.
        cancelling = threading.Thread(target=cancel_jobs, daemon=True)
        cancelling.start()
        cancelling.join(_CANCEL_SECONDS)
        raise self._received

    def raise_again(self) -> None:
        """Raises the exception again if a signal was received.

        Python drops an exception that is raised while it removes an object, and a library may replace it by its own.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
            TerminatedError: The process received SIGTERM or SIGHUP.
        """
        if self._received is not None:
            raise self._received


@contextlib.contextmanager
def interrupts_raised() -> Iterator[InterruptHandler]:
    """Cancels Spark's jobs and raises an exception on Ctrl-C, SIGTERM and SIGHUP within the block.

    Outside the main thread, which alone receives signals, it does nothing. A signal that the process ignores, as SIGHUP
    under nohup, stays ignored.

    Yields:
        The handler of the signals.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
        TerminatedError: The process received SIGTERM or SIGHUP.
    """
    handler = InterruptHandler()
    if threading.current_thread() is not threading.main_thread():
        yield handler
        return
    disabled = logging.root.manager.disable
    handled = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in handled}
    try:
        yield handler
    finally:
        logging.disable(disabled)
        for number, former in before.items():
            signal.signal(number, former)


@contextlib.contextmanager
def handler_kept() -> Iterator[None]:
    """Keeps the handler of `interrupts_raised` when Spark starts and sets its own.

    Spark's handler calls Java on the connection on which the main thread may be waiting, and fails.
    """
    before = signal.getsignal(signal.SIGINT)
    yield
    if isinstance(before, InterruptHandler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


def interruption_of(error: BaseException) -> KeyboardInterrupt | None:
    """Returns the interruption that an exception is, or from which it followed.

    Leaving a block may fail after an interruption, since an answer of Java's was left unread. Such an exception hides
    the interruption.

    Args:
        error: Any exception.
    """
    each: BaseException | None = error
    while each is not None and not isinstance(each, KeyboardInterrupt):
        each = each.__context__
    return each


def cancel_jobs() -> None:
    """Cancels Spark's jobs, since the threads that wait for them can't be interrupted."""
    pyspark = sys.modules.get("pyspark")
    context = getattr(getattr(pyspark, "SparkContext", None), "_active_spark_context", None)
    if context is not None:
        # Without a connection to Spark there are no jobs either.
        with contextlib.suppress(Exception):
            context.setLogLevel("OFF")  # the cancelled jobs would be logged as errors
            context.cancelAllJobs()
    connect = sys.modules.get("pyspark.sql.connect.session")
    session = getattr(getattr(connect, "SparkSession", None), "_default_session", None)
    if session is not None:
        _cancel_on_server(session)


def _cancel_on_server(session: Any) -> None:
    """Cancels the jobs of a session of Spark Connect, and ends the calls of a server that doesn't answer."""

    def interrupt() -> None:
        with contextlib.suppress(Exception):
            session.interruptAll()

    interrupting = threading.Thread(target=interrupt, daemon=True)
    interrupting.start()
    interrupting.join(_SERVER_SECONDS)
    with contextlib.suppress(Exception):
        session.client.close()
