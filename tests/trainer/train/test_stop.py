"""Signals and the allowed time are reasons to stop, and handlers are given back."""

from __future__ import annotations

import os
import signal
import time

import pytest

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


def test_a_second_ctrl_c_interrupts() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with StopRequest() as request:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop_reason(request.code) == "SIGINT"
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopRequest() as request:
            signal.raise_signal(signal.SIGINT)
            assert request.code == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_minutes() -> None:
    with StopRequest(1e-5) as request:
        time.sleep(0.01)
        assert stop_reason(request.code) == "--stop-after-minutes"
