"""Waits and what is understood of Retry-After."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from metaclip_curate.storage import InputError
from metaclip_curate.storage.retry import LONGEST_WAIT, RefusedError, TransientError, retry_after_seconds, wait_seconds

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30.0),  # RFC 850's form, which must still be read
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Tue, 14 Nov 2023 22:13:50 +99999999999999999999", None),
        ("14 Nov 99999999999999999999 22:13:50", None),
        ("Tue, 99 Nov 2023 22:13:50 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


def test_waits_are_spread_over_the_whole_bound() -> None:
    for failures, bound in ((1, 1.0), (4, 8.0), (20, LONGEST_WAIT), (10_000, LONGEST_WAIT)):
        waits = [wait_seconds(str(n), failures, None) for n in range(1000)]
        assert 0 <= min(waits) < 0.02 * bound
        assert 0.98 * bound < max(waits) <= bound
        assert abs(sum(waits) / 1000 - bound / 2) < 0.05 * bound


def test_the_servers_wait_comes_first() -> None:
    assert wait_seconds("a", 3, 10.0) == 10.0 + wait_seconds("a", 3, None)


def test_an_input_error_travels() -> None:
    error = pickle.loads(pickle.dumps(InputError("a.wat", "HTTP 404")))
    assert (error.path, error.reason, str(error)) == ("a.wat", "HTTP 404", "a.wat: HTTP 404")


@pytest.mark.parametrize("kind", [TransientError, RefusedError, lambda reason: InputError("a", reason)])
def test_a_reason_is_one_short_line(kind: Callable[[str], TransientError | RefusedError | InputError]) -> None:
    reason = kind("a\x1b[2Jb\n" + "x" * 9999 + " (after 7 bytes)").reason
    assert reason.startswith("a\\x1b[2Jb\\nxxx")
    assert reason.endswith("xxx (after 7 bytes)")
    assert len(reason) == 240
    assert kind(reason).reason == reason


def test_any_key_has_a_wait() -> None:
    assert wait_seconds("\ud800\udcff", 1, None) >= 0
