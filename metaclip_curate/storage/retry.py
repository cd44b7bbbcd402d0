"""When a broken read is tried again, how long to wait before, and what stays when it is given up."""

from __future__ import annotations

import email.utils
import hashlib
from datetime import UTC

from metaclip_curate.console.terminal import shown

# Answers that mean "later": too many requests, and the server's own troubles. Common Crawl sends 503 SlowDown.
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})

FIRST_WAIT = 1.0  # seconds; the bound of the first wait, doubled with each failure
LONGEST_WAIT = 60.0  # seconds; where the doubling stops
# A server may ask for any wait. Beyond this the worker does other files: the input fails and a later run has it.
LONGEST_RETRY_AFTER = 600.0

GAVE_UP = "gave up"  # how a reason begins where attempts were made until there were enough
_LONGEST_REASON = 240  # characters; libraries repeat whole lines of what servers send
_END_OF_REASON = 60  # of which so many are of its end, where it says how far reading came


def brief(reason: str) -> str:
    """A reason as one line without hidden characters, and without its middle where it's long."""
    line = shown(reason)
    if len(line) <= _LONGEST_REASON:
        return line
    return f"{line[: _LONGEST_REASON - _END_OF_REASON - 1]}…{line[-_END_OF_REASON:]}"


class InputError(Exception):
    """An input that cannot be read, or no further; the row of `inputs` says why.

    Attributes:
        path: the input as it was named.
        reason: one sentence without the path.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)  # both, so that it can be pickled
        self.path = path
        self.reason = brief(reason)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class TransientError(Exception):
    """A connection broke, or was refused in a way that may pass.

    Attributes:
        reason: what happened.
        retry_after: seconds that the server asks to wait, None when it says nothing.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = brief(reason)
        self.retry_after = retry_after


class SlowError(TransientError):
    """A connection was given up although bytes came: too few for their time."""


class RefusedError(Exception):
    """An answer that will be the same next time: not found, forbidden, changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = brief(reason)


class MissingError(RefusedError):
    """There is no such object."""


def wait_seconds(key: str, failures: int, retry_after: float | None) -> float:
    """Seconds to wait after the `failures`-th failure in a row (1, 2, ...).

    Exponential back-off with full jitter (Amazon's builders' library, "Timeouts, retries and backoff with jitter"):
    evenly between 0 and the bound, so that a thousand workers who met the same 503 do not come back together. The
    position between is a hash of (key, failures): it differs between files and needs no generator. What the server
    asked for is waited on top.
    """
    bound = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 60))
    digest = hashlib.blake2b(f"{key}\n{failures}".encode("utf-8", "backslashreplace"), digest_size=8).digest()
    return (retry_after or 0.0) + bound * (int.from_bytes(digest) / 2.0**64)


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """The Retry-After header (RFC 9110, 10.2.3), seconds or an HTTP date, as seconds from `now`.

    Args:
        header: the header's value, None when there is none.
        now: seconds since the epoch.

    Returns:
        Seconds, at least 0; None without a header that can be understood.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # of numbers that no date has
        return None
    if date.tzinfo is None:  # "-0000": a time in UTC from a place that is not told (RFC 5322)
        date = date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now)
