"""States are logged when they change, and broken connections are retried for a while."""

from __future__ import annotations

import pytest

from metaclip_curate.cluster.clouds.monitor import Monitor, interruptible
from metaclip_curate.errors import JobFailedError


def monitor(lines: list[str], waits: list[float]) -> Monitor:
    return Monitor(lines.append, waits.append, seconds=7)


def test_each_change_of_state_is_logged_once() -> None:
    lines: list[str] = []
    waits: list[float] = []
    states = iter([("PENDING", ""), ("PENDING", ""), ("RUNNING", "2 nodes"), ("DONE", "")])
    assert monitor(lines, waits).wait_until("match", lambda: next(states), ("DONE", "FAILED")) == ("DONE", "")
    assert lines == ["match: PENDING", "match: RUNNING (2 nodes)", "match: DONE"]
    assert waits == [7, 7, 7]


def test_a_request_is_retried_until_it_is_answered() -> None:
    lines: list[str] = []
    waits: list[float] = []
    answers = iter([False, False, True])

    def request() -> str:
        if not next(answers):
            raise ConnectionError("reset")
        return "answer"

    assert monitor(lines, waits).retry(request, (ConnectionError,)) == "answer"
    assert lines == ["no answer (reset), 1 of 20", "no answer (reset), 2 of 20"]


def test_retries_end_and_other_errors_are_raised_at_once() -> None:
    lines: list[str] = []
    waits: list[float] = []

    def request() -> None:
        raise ConnectionError("reset")

    with pytest.raises(ConnectionError):
        monitor(lines, waits).retry(request, (ConnectionError,))
    assert len(waits) == 19
    with pytest.raises(ConnectionError):
        monitor([], waits).retry(request, (TimeoutError,))
    assert len(waits) == 19


def test_ctrl_c_says_how_to_go_on() -> None:
    with pytest.raises(JobFailedError, match="the same command goes on"), interruptible():
        raise KeyboardInterrupt
