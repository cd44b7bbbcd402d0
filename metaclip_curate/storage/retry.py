"""Errors of reading, and how long to wait before another attempt."""

from __future__ import annotations

import email.utils
import hashlib
from datetime import UTC

from metaclip_curate.console.terminal import shown

# Answers that may be different later: too many requests, and server failures. Common Crawl sends 503 SlowDown.
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})

FIRST_WAIT = 1.0  # seconds; upper bound of the first wait, doubled with each failure
LONGEST_WAIT = 60.0  # seconds; the bound isn't doubled beyond this
# Seconds. If a server's Retry-After is longer, the worker reads other files: the input fails, and a later run reads it.
LONGEST_RETRY_AFTER = 600.0

GAVE_UP = "gave up"  # begins the reason of an error after as many attempts as are allowed
_LONGEST_REASON = 240  # characters; libraries repeat whole lines that servers sent
_END_OF_REASON = 60  # characters of that kept from the end, which has the number of bytes read


def brief(reason: str) -> str:
    """Returns a reason as one line without hidden characters, with its middle cut out if it's long."""
    line = shown(reason)
    if len(line) <= _LONGEST_REASON:
        return line
    return f"{line[: _LONGEST_REASON - _END_OF_REASON - 1]}…{line[-_END_OF_REASON:]}"


class InputError(Exception):
    """An input can't be read, or no further. Its row in the table `inputs` has the reason.

    Attributes:
        path: Name of the input.
        reason: One sentence without the name.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)  # both, so that it can be pickled
        self.path = path
        self.reason = brief(reason)

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class TransientError(Exception):
    """A connection broke, or a request was refused in a way that may pass.

    Attributes:
        reason: What happened.
        retry_after: Seconds that the server asks to wait; None if it doesn't.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = brief(reason)
        self.retry_after = retry_after


class SlowError(TransientError):
    """A connection delivered too few bytes for the time it took, and was closed."""


class RefusedError(Exception):
    """A request got an answer that will be the same next time: not found, forbidden, changed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = brief(reason)


class MissingError(RefusedError):
    """The object doesn't exist."""


def wait_seconds(key: str, failures: int, retry_after: float | None) -> float:
    """Returns the wait after a failed attempt: exponential back-off with full jitter, on top of the server's wish.

    See "Timeouts, retries and backoff with jitter" in Amazon's Builders' Library. The wait is spread evenly between 0
    and the bound, so that a thousand workers that got the same 503 don't return together. The jitter is a hash of (key,
    failures), which differs between files and needs no random generator.

    Args:
        key: What is retried.
        failures: Number of failures in a row, 1 or more.
        retry_after: Seconds that the server asks to wait; None if it doesn't.

    Returns:
        Seconds.
    """
    bound = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 60))
    digest = hashlib.blake2b(f"{key}\n{failures}".encode("utf-8", "backslashreplace"), digest_size=8).digest()
    return (retry_after or 0.0) + bound * (int.from_bytes(digest) / 2.0**64)


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """Parses a Retry-After header (RFC 9110, section 10.2.3): seconds, or an HTTP date.

    Args:
        header: The header's value; None if there is none.
        now: Current time, in seconds since the epoch.

    Returns:
        Seconds from now, at least 0; None if there is no header or it can't be parsed.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # numbers that no date has
        return None
    if date.tzinfo is None:  # "-0000": a UTC time from an unknown time zone (RFC 5322)
        date = date.replace(tzinfo=UTC)
    return max(0.0, date.timestamp() - now)
