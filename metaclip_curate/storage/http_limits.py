"""HTTP connections with an upper bound on time, and on the bytes that a server sends outside the body.

A socket's time-out only bounds the wait for the next byte. A server could hold a worker for days by sending one byte a
second, headers or a chunk's trailer without an end, or "100 Continue" again and again.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

SLOWEST = 1024  # bytes a second, on average over the read time-out; a slower connection counts as broken
_MOST_LINE_BYTES = 1 << 20  # of headers and trailers in a row, without a byte of a body in between


class TooSlowError(OSError):
    """The server sends less than `SLOWEST`."""


def limit(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Makes a manager use connections with these bounds, and returns it."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return manager


class _Timed(io.RawIOBase):
    """A socket's bytes. Only the time spent waiting for them counts, not the time between two reads."""

    def __init__(self, raw: io.RawIOBase, seconds: float | None) -> None:
        self._raw = raw
        self._seconds = seconds  # None: no bound
        self._in_head = True
        self._begun = False
        self._waited = 0.0
        self._received = 0

    def readable(self) -> bool:
        """Returns True, as `io` requires."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Reads bytes that have arrived, as `io.RawIOBase` does.

        Raises:
            TooSlowError: Too few bytes have arrived for the time spent waiting.
        """
        started = time.monotonic()
        count: int | None = self._raw.readinto(buffer)
        if count:
            self._record(count, time.monotonic() - started)
        return count

    def head_ended(self) -> None:
        """Marks the beginning of the body."""
        self._in_head = False
        self._waited, self._received = 0.0, 0

    def close(self) -> None:
        """Closes the socket's stream."""
        self._raw.close()
        super().close()

    def _record(self, count: int, seconds: float) -> None:
        if self._seconds is None:
            return
        if not self._begun:  # the socket's time-out bounds the wait for the first byte
            self._begun = True
            return
        self._waited += seconds
        self._received += count
        if not self._in_head and self._received >= SLOWEST * self._seconds:
            self._waited, self._received = 0.0, 0
        elif self._waited >= self._seconds:
            what = "its head isn't complete" if self._in_head else f"{self._received:,} bytes came"
            raise TooSlowError(f"too slow: after {self._waited:.0f} s of waiting {what}")


class _Lines(io.BufferedReader):
    """The stream that http.client reads an answer from."""

    _in_lines = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        """Reads a line of a header, a chunk's size or a trailer.

        Raises:
            http.client.HTTPException: There were too many such lines in a row.
        """
        line = super().readline(_MOST_LINE_BYTES if size is None or size < 0 else size)
        self._in_lines += len(line)
        if self._in_lines >= _MOST_LINE_BYTES:
            raise http.client.HTTPException("the server sends headers without an end")
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads as `io.BufferedReader` does."""
        self._in_lines = 0
        return super().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        """Reads as `io.BufferedReader` does."""
        self._in_lines = 0
        return super().read1(size)

    def readinto(self, buffer: Any, /) -> int:
        """Reads as `io.BufferedReader` does."""
        self._in_lines = 0
        return super().readinto(buffer)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._timed = _Timed(self.fp.detach(), sock.gettimeout())
        self.fp = _Lines(self._timed)

    def begin(self) -> None:
        super().begin()
        self._timed.head_ended()


class _Connection(HTTPConnection):
    response_class = _Response


class _TLSConnection(HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection
