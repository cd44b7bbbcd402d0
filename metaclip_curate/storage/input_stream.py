"""A stream of an input's bytes that survives broken connections."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Callable
from typing import TypeVar

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.retry import (
    GAVE_UP,
    LONGEST_RETRY_AFTER,
    InputError,
    RefusedError,
    SlowError,
    TransientError,
    wait_seconds,
)
from metaclip_curate.storage.source import Connection, Source, Version

READ_BYTES = 1 << 20  # upper bound of one read when the caller gives no size
_RECOVERED_BYTES = 1 << 20  # received after a connection that was too slow, after which that failure is forgotten

_Result = TypeVar("_Result")


class InputStream(io.BufferedIOBase):
    """The bytes of an input exactly as stored, read once from front to end.

    After a break (reset, time-out, short body, 429 or 5xx answer) the stream waits and requests the rest on a new
    connection. It gives up after `max_attempts` failures in a row without a new byte; a connection that was too slow
    counts as a failure, whatever it delivered, until 1 MiB has been read after it. The stream also gives up if the
    object changed meanwhile: bytes of two versions are never mixed. If a server sends neither ETag nor Last-Modified,
    the bytes before the break are read again and compared by their digest.

    Attributes:
        path: Name of the input.
        bytes_read: Number of bytes read so far.
    """

    def __init__(self, path: str, source: Source, options: StorageOptions, sleep: Callable[[float], None]) -> None:
        """Connects.

        Args:
            path: Name of the input, for messages.
            source: Object that the bytes are read from.
            options: Number of attempts.
            sleep: Waits a number of seconds.

        Raises:
            InputError: The input cannot be opened.
        """
        self.path = path
        self.bytes_read = 0
        self._source = source
        self._max_attempts = options.max_attempts
        self._sleep = sleep
        self._connection: Connection | None = None
        self._version: Version | None = None
        self._digest = hashlib.blake2b()  # of the bytes returned, in case there is no version
        self._failures = 0
        self._recovered_at = 0  # a byte beyond this offset ends a row of failures
        self._peeked = b""  # read and not returned
        self._ended = False
        self._error: InputError | None = None
        self._persist(self._connected)

    def readable(self) -> bool:
        """Returns True, as `io` requires."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns `size` bytes, or all the rest if no size is given; fewer at the end and where the stream gives up.

        Raises:
            InputError: No more can be read, and all bytes before that have been returned by earlier calls.
        """
        missing = -1 if size is None or size < 0 else size
        pieces: list[bytes] = []
        while missing != 0:
            try:
                piece = self.read1(missing)
            except InputError:
                if pieces:
                    break
                raise
            if not piece:
                break
            pieces.append(piece)
            if missing > 0:
                missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read1(self, size: int = -1, /) -> bytes:
        """Returns what has arrived, up to `size` bytes (Default: 1 MiB); waits for at least one.

        Raises:
            InputError: No more can be read.
        """
        if self.closed:
            raise ValueError(f"{self.path} is closed")
        if self._peeked and size != 0:
            most = size if size > 0 else READ_BYTES
            piece, self._peeked = self._peeked[:most], self._peeked[most:]
            return piece
        if self._error is not None:
            raise self._error
        if self._ended or size == 0:
            return b""
        return self._persist(lambda: self._receive(size if size > 0 else READ_BYTES))

    def peek(self, size: int = 0, /) -> bytes:
        """Returns the next `size` bytes, fewer only at the end and where the stream gives up, and doesn't consume them.

        Raises:
            InputError: No byte can be read.
        """
        self._peeked = self.read(size)
        return self._peeked

    def close(self) -> None:
        """Closes the connection; may be called twice."""
        if not self.closed:
            self._disconnect()
            self._source.close()
        super().close()

    def _receive(self, size: int) -> bytes:
        # After the last byte of a known size nothing more is read, since a break there wouldn't matter.
        missing = self._missing()
        piece = b"" if missing == 0 else self._connected().read(size)
        if piece:
            self._count(piece)
            return piece
        missing = self._missing()  # again: a new connection may have learned the size
        if missing:
            raise TransientError(f"the body ended {missing} bytes early")
        self._ended = True
        self._disconnect()
        return b""

    def _missing(self) -> int | None:
        """Returns the number of bytes still to come, None if the size is unknown."""
        if self._version is None or self._version.size is None:
            return None
        return max(0, self._version.size - self.bytes_read)

    def _count(self, piece: bytes) -> None:
        self.bytes_read += len(piece)
        if self.bytes_read > self._recovered_at:
            self._failures = 0
        if self._version is not None and not self._version.identifies:
            self._digest.update(piece)

    def _connected(self) -> Connection:
        if self._connection is None:
            if self.bytes_read == 0:
                self._version = None  # no byte was returned yet, so any version will do
            blind = self._version is not None and not self._version.identifies
            offset = 0 if blind else self.bytes_read
            connection = self._source.connect(offset, self._version)
            try:
                self._adopt(connection.version)
                self._skip(connection, self.bytes_read - connection.start, compare=blind)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _adopt(self, version: Version) -> None:
        if self._version is None:
            self._version = version
            return
        conflict = self._version.conflict(version)
        if conflict:
            raise RefusedError(f"the object changed while it was read ({conflict})")
        if not self._version.is_comparable(version):
            raise RefusedError("the server no longer says which version of the object it sends")
        if self._version.size is None:
            self._version = dataclasses.replace(self._version, size=version.size)

    def _skip(self, connection: Connection, count: int, *, compare: bool) -> None:
        """Reads over bytes that were returned before, if the server starts before the requested offset."""
        digest = hashlib.blake2b()
        while count > 0:
            piece = connection.read(min(count, READ_BYTES))
            if not piece:
                raise TransientError("the body ended before the byte to go on at")
            count -= len(piece)
            if compare:
                digest.update(piece)
        if compare and digest.digest() != self._digest.digest():
            raise RefusedError("the object changed while it was read (its first bytes differ)")

    def _persist(self, action: Callable[[], _Result]) -> _Result:
        """Repeats an action, with waits, until it succeeds or the stream gives up."""
        while True:
            try:
                return action()
            except TransientError as broken:
                self._disconnect()
                self._wait_after(broken)
            except RefusedError as refused:
                self._disconnect()
                raise self._fail(refused.reason) from refused

    def _wait_after(self, broken: TransientError) -> None:
        self._failures += 1
        if isinstance(broken, SlowError):
            self._recovered_at = self.bytes_read + _RECOVERED_BYTES
        if self._failures >= self._max_attempts:
            raise self._fail(f"{GAVE_UP} after {self._failures} attempts in a row: {broken.reason}") from broken
        if broken.retry_after is not None and broken.retry_after > LONGEST_RETRY_AFTER:
            longest = f"{LONGEST_RETRY_AFTER:.0f} s"
            raise self._fail(f"{broken.reason}, and the server asks to wait longer than {longest}") from broken
        # With the offset in the key, a file that breaks often doesn't wait the same time each time.
        key = f"{self.path}\n{self.bytes_read}"
        self._sleep(wait_seconds(key, self._failures, broken.retry_after))

    def _fail(self, reason: str) -> InputError:
        where = f" (after {self.bytes_read} bytes)" if self.bytes_read else ""
        self._error = InputError(self.path, reason + where)
        self._source.close()
        return self._error

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def read_whole(stream: InputStream, most: int) -> bytes:
    """Reads a stream to its end, into memory. Unlike `InputStream.read` it returns nothing of a stream that gives up.

    Args:
        stream: The stream, at its beginning.
        most: Upper bound of its bytes.

    Raises:
        InputError: The stream gives up, or has more bytes.
    """
    pieces, size = [], 0
    while piece := stream.read1():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise InputError(stream.path, f"it has more than {most:,} bytes")
    return b"".join(pieces)
