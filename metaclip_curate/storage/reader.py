"""A stream of an input's bytes that survives broken connections."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

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

PIECE = 1 << 20  # bytes asked for at once when the caller names no number
_ENOUGH = 1 << 20  # bytes after a connection that was too slow, after which it is forgotten

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Version:
    """What tells one state of an object from another; empty fields are unknown."""

    size: int | None = None  # bytes of the whole object
    etag: str = ""
    last_modified: str = ""

    @property
    def identifies(self) -> bool:
        """True when another state of the object would show; a size alone can stay the same."""
        return bool(self.etag or self.last_modified)

    def shares_mark_with(self, other: Version) -> bool:
        """True when the two can be compared, or when there never was anything to compare."""
        marks = [(self.etag, other.etag), (self.last_modified, other.last_modified)]
        return not self.identifies or any(mine and theirs for mine, theirs in marks)

    def conflict(self, other: Version) -> str:
        """How the other contradicts this one, empty when it doesn't; unknown contradicts nothing."""
        for name in ("etag", "last_modified", "size"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine not in (None, "") and theirs not in (None, "") and mine != theirs:
                return f"{name} was {mine}, now {theirs}"
        return ""


class Connection(Protocol):
    """One answer of a store: the bytes of an object from `start` to its end."""

    @property
    def version(self) -> Version:
        """The state of the object that this answer is from."""

    @property
    def start(self) -> int:
        """Bytes before the first one of this answer."""

    def read(self, size: int) -> bytes:
        """Some bytes, at most `size`; none at the end.

        Raises:
            TransientError: it broke. Bytes that were not returned are asked for again.
        """

    def close(self) -> None:
        """Ends it."""


class Source(Protocol):
    """An object in a store."""

    def connect(self, offset: int, version: Version | None) -> Connection:
        """Asks for the bytes from `offset` on; the answer may start before, never after.

        Args:
            offset: bytes from the object's beginning.
            version: the state of which bytes are in use already, None when there are none.

        Raises:
            TransientError: try again.
            RefusedError: don't.
        """

    def close(self) -> None:
        """Ends it."""


class InputStream(io.BufferedIOBase):
    """The bytes of an input exactly as stored, read once from front to end.

    A break (reset, time-out, short body, 429 or 5xx answer) is followed by a wait and a new connection that goes on at
    the next byte. `max_attempts` failures in a row without a new byte end it; a connection that was too slow counts as
    one whatever it brought, until 1 MiB has come after it. If the object changed meanwhile, that ends it too: bytes of
    two versions are never mixed. Where a server gives neither ETag nor Last-Modified, the bytes before the break are
    read again and compared by digest.

    Attributes:
        path: the input as it was named.
        bytes_read: bytes handed out so far.
    """

    def __init__(self, path: str, source: Source, options: StorageOptions, sleep: Callable[[float], None]) -> None:
        """Connects.

        Raises:
            InputError: the input cannot be opened.
        """
        self.path = path
        self.bytes_read = 0
        self._source = source
        self._max_attempts = options.max_attempts
        self._sleep = sleep
        self._connection: Connection | None = None
        self._version: Version | None = None
        self._digest = hashlib.blake2b()  # of the bytes handed out, kept only for want of a version
        self._failures = 0
        self._row_ends_at = 0  # a byte after this one ends a row of failures
        self._ended = False
        self._error: InputError | None = None
        self._persist(self._connected)

    def readable(self) -> bool:
        """True, as `io` asks."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """`size` bytes, fewer only at the end or before a break for good; all the rest without a size.

        Raises:
            InputError: no more can be read. The bytes before it have been returned: the next read raises it.
        """
        wanted = -1 if size is None or size < 0 else size
        pieces: list[bytes] = []
        while wanted != 0:
            try:
                piece = self.read1(wanted)
            except InputError:
                if pieces:
                    break
                raise
            if not piece:
                break
            pieces.append(piece)
            if wanted > 0:
                wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read1(self, size: int = -1, /) -> bytes:
        """What has arrived, at most `size` bytes (1 MiB without a size); waits for at least one.

        Raises:
            InputError: no more can be read.
        """
        if self.closed:
            raise ValueError(f"{self.path} is closed")
        if self._error is not None:
            raise self._error
        if self._ended or size == 0:
            return b""
        return self._persist(lambda: self._receive(size if size > 0 else PIECE))

    def close(self) -> None:
        """Ends the connection; may be called twice."""
        if not self.closed:
            self._disconnect()
            self._source.close()
        super().close()

    def _receive(self, size: int) -> bytes:
        # At the last byte of a known size nothing more is asked for: a break there would be none.
        missing = self._missing()
        piece = b"" if missing == 0 else self._connected().read(size)
        if piece:
            self._hand_out(piece)
            return piece
        missing = self._missing()  # once more: a new connection may have told the size
        if missing:
            raise TransientError(f"the body ended {missing} bytes early")
        self._ended = True
        self._disconnect()
        return b""

    def _missing(self) -> int | None:
        """Bytes still to come, None when the size is unknown."""
        if self._version is None or self._version.size is None:
            return None
        return max(0, self._version.size - self.bytes_read)

    def _hand_out(self, piece: bytes) -> None:
        self.bytes_read += len(piece)
        if self.bytes_read > self._row_ends_at:
            self._failures = 0
        if self._version is not None and not self._version.identifies:
            self._digest.update(piece)

    def _connected(self) -> Connection:
        if self._connection is None:
            if self.bytes_read == 0:
                self._version = None  # nothing is in use yet: any version will do
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
        if not self._version.shares_mark_with(version):
            raise RefusedError("the server no longer says which version of the object it sends")
        if self._version.size is None:
            self._version = dataclasses.replace(self._version, size=version.size)

    def _skip(self, connection: Connection, count: int, *, compare: bool) -> None:
        """Reads the bytes that were handed out before, when a server starts before what was asked."""
        digest = hashlib.blake2b()
        while count > 0:
            piece = connection.read(min(count, PIECE))
            if not piece:
                raise TransientError("the body ended before the byte to go on at")
            count -= len(piece)
            if compare:
                digest.update(piece)
        if compare and digest.digest() != self._digest.digest():
            raise RefusedError("the object changed while it was read (its first bytes differ)")

    def _persist(self, action: Callable[[], _Result]) -> _Result:
        """Does it until it works, with waits between, or fails for good."""
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
            self._row_ends_at = self.bytes_read + _ENOUGH
        if self._failures >= self._max_attempts:
            raise self._fail(f"{GAVE_UP} after {self._failures} attempts in a row: {broken.reason}") from broken
        if broken.retry_after is not None and broken.retry_after > LONGEST_RETRY_AFTER:
            longest = f"{LONGEST_RETRY_AFTER:.0f} s"
            raise self._fail(f"{broken.reason}, and the server asks to wait longer than {longest}") from broken
        # The offset is part of the key: a file that breaks often does not wait the same each time.
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
    """All bytes of a stream, or none: what breaks off raises, where `InputStream.read` hands out what had come.

    Args:
        stream: The stream, at its beginning.
        most: Bytes that it may have; it is read into memory.

    Raises:
        InputError: No more can be read, or there is more.
    """
    pieces, size = [], 0
    while piece := stream.read1():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise InputError(stream.path, f"it has more than {most:,} bytes")
    return b"".join(pieces)
