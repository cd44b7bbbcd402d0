"""Requests to stop a training with a checkpoint: signals, and the end of the allowed time."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

# What all ranks exchange. Of several requests the one with the largest number is reported.
_REASONS = ("", "--stop-after-minutes", "SIGUSR1", "SIGINT", "SIGTERM")


class StopRequest:
    """Notices SIGTERM, SIGUSR1, Ctrl-C and the end of the allowed time while its block lasts.

    A second Ctrl-C interrupts at once. A signal that the process ignores, as SIGINT in a shell's background, stays
    ignored.

    A signal to the whole process group doesn't end the workers (`data.workers.outlive_signals`), whose batches are
    needed until the checkpoint is written.

    Args:
        minutes: Number of minutes after which to stop. 0: any.
    """

    def __init__(self, minutes: float = 0.0) -> None:
        self._end = time.monotonic() + minutes * 60 if minutes else None
        self._received = 0
        self._before: dict[signal.Signals, Any] = {}

    @property
    def code(self) -> int:
        """Number of the reason to stop; 0: go on."""
        late = self._end is not None and time.monotonic() >= self._end
        return self._received or int(late)

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():  # Python allows handlers in no other
            for name in ("SIGTERM", "SIGUSR1", "SIGINT"):
                number = signal.Signals[name]
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
        self._received = max(self._received, _REASONS.index(signal.Signals(number).name))


def stop_reason(code: int) -> str:
    """Names the reason of a code; empty for 0."""
    return _REASONS[code]
