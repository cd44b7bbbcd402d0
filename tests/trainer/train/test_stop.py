"""Signals and the allowed time are reasons to stop, and handlers are given back."""

from __future__ import annotations

import os
import signal
import time

from metaclip_curate.trainer.train.stop import StopRequest, stop_reason


def test_signals() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopRequest() as request:
        assert request.code == 0
        os.kill(os.getpid(), signal.SIGUSR1)
        assert stop_reason(request.code) == "SIGUSR1"
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop_reason(request.code) == "SIGTERM"
    assert signal.getsignal(signal.SIGTERM) == before


def test_minutes() -> None:
    with StopRequest(1e-5) as request:
        time.sleep(0.01)
        assert stop_reason(request.code) == "--stop-after-minutes"
