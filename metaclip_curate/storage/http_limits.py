"""HTTP connections that a server can't hold for ever: what it sends between bytes of a body is bounded, and so is time.

A time-out of the socket bounds the wait for the next byte alone. With one byte a second, with headers that never end,
with "100 Continue" over and over or a chunk's trailer without an end a server would keep a worker for days.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

SLOWEST = 1024  # bytes a second, on average over the read time-out; below it a connection counts as broken
_MOST_LINES = 1 << 20  # bytes of lines in a row: of heads and trailers, between which no byte of a body comes


class TooSlowError(OSError):
    """The server sends, and less than `SLOWEST`."""


def bound(manager: urllib3.PoolManager) -> urllib3.PoolManager:
    """Lets a manager's connections be bounded ones; returns it."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return manager


class _Timed(io.RawIOBase):
    """A socket's bytes. Only time spent waiting for them counts: a reader may take its time between two reads."""

    def __init__(self, raw: io.RawIOBase, seconds: float | None) -> None:
        self._raw = raw
        self._seconds = seconds  # None: without bounds
        self._in_head = True
        self._begun = False
        self._waited = 0.0
        self._received = 0

    def readable(self) -> bool:
        """True, as `io` asks."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Bytes that have arrived.

        Raises:
            TooSlowError: Few have, for too long.
        """
        started = time.monotonic()
        count: int | None = self._raw.readinto(buffer)
        if count:
            self._note(count, time.monotonic() - started)
        return count

    def head_ended(self) -> None:
        """Says that the body begins."""
        self._in_head = False
        self._waited, self._received = 0.0, 0

    def close(self) -> None:
        """Ends it."""
        self._raw.close()
        super().close()

    def _note(self, count: int, seconds: float) -> None:
        if self._seconds is None:
            return
        if not self._begun:  # the socket's time-out is for the first byte
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
    """What http.client reads an answer from."""

    _in_lines = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        """A line of a head, of a chunk's beginning, or of a trailer.

        Raises:
            http.client.HTTPException: There are too many.
        """
        line = super().readline(_MOST_LINES if size is None or size < 0 else size)
        self._in_lines += len(line)
        if self._in_lines >= _MOST_LINES:
            raise http.client.HTTPException("the server sends headers without an end")
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        """As `io.BufferedReader` says."""
        self._in_lines = 0
        return super().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        """As `io.BufferedReader` says."""
        self._in_lines = 0
        return super().read1(size)

    def readinto(self, buffer: Any, /) -> int:
        """As `io.BufferedReader` says."""
        self._in_lines = 0
        return super().readinto(buffer)


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
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
