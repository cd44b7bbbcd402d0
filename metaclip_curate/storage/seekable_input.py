"""An input that is read at any position, such as a Parquet file, of which only some columns are needed."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import BinaryIO, TypeVar, cast

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.redaction import public_name
from metaclip_curate.storage.retry import GAVE_UP, InputError, RefusedError, TransientError, wait_seconds
from metaclip_curate.storage.source import Connection, Source, Version
from metaclip_curate.storage.stores import source_of
from metaclip_curate.storage.urls import is_local, local_path, resolve

_SKIPPED_BYTES = 1 << 18  # read over rather than requested anew, since a request takes as long
_PIECE_BYTES = 1 << 20

_Result = TypeVar("_Result")


def open_seekable(path: str, options: StorageOptions, *, sleep: Callable[[float], None] = time.sleep) -> BinaryIO:
    """Opens an input for reading at any position.

    Args:
        path: Path or URL that `storage.open_input` takes.
        options: Credentials, time-outs and number of attempts.
        sleep: Waits a number of seconds between attempts; tests replace it.

    Raises:
        InputError: The input can't be opened, or, later, be read.
    """
    resolved = resolve(path, options)
    if is_local(resolved):
        try:
            return open(local_path(resolved), "rb", buffering=0)  # noqa: PTH123 (the name may be bytes)
        except (OSError, ValueError) as error:
            raise InputError(public_name(path), getattr(error, "strerror", None) or str(error)) from error
    file = SeekableInput(public_name(path), source_of(resolved, options), options.max_attempts, sleep)
    return cast("BinaryIO", file)


class SeekableInput(io.RawIOBase):
    """An object in a store. Each change of the position requests the bytes from there.

    Args:
        path: Name of the input, for messages.
        source: The object.
        max_attempts: Number of attempts of each read.
        sleep: Waits a number of seconds.

    Raises:
        InputError: The object can't be opened.
    """

    def __init__(self, path: str, source: Source, max_attempts: int, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._path = path
        self._source = source
        self._max_attempts = max_attempts
        self._sleep = sleep
        self._position = 0
        self._connection: Connection | None = None
        self._connected_at = 0  # position of the connection's next byte
        self._version: Version | None = None
        size = self._persist(self._connect).version.size
        if size is None:
            raise InputError(path, "the server doesn't say how long it is, so that it can't be read at a position")
        self._size: int = size

    def readable(self) -> bool:
        """Returns True, as `io` requires."""
        return True

    def seekable(self) -> bool:
        """Returns True, as `io` requires."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Changes the position, without a request."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Returns the position."""
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Returns `size` bytes, fewer only at the end.

        Raises:
            InputError: They can't be read.
        """
        missing = max(0, self._size - self._position)
        missing = missing if size is None or size < 0 else min(size, missing)
        pieces = []
        end = self._position + missing
        while self._position < end:
            pieces.append(self._persist(lambda: self._receive(end - self._position)))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readall(self) -> bytes:
        """Returns all bytes from the position on."""
        return self.read()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fills a buffer, and returns the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Closes the connection; may be called twice."""
        if not self.closed:
            self._disconnect()
            self._source.close()
        super().close()

    def _receive(self, size: int) -> bytes:
        if self._connection is not None and not 0 <= self._position - self._connected_at <= _SKIPPED_BYTES:
            self._disconnect()
        connection = self._connection or self._connect()
        while self._connected_at < self._position:
            self._connected_at += len(self._piece(connection, self._position - self._connected_at))
        piece = self._piece(connection, size)
        self._connected_at += len(piece)
        self._position += len(piece)
        return piece

    @staticmethod
    def _piece(connection: Connection, size: int) -> bytes:
        piece = connection.read(min(size, _PIECE_BYTES))
        if not piece:
            raise TransientError("the body ended early")
        return piece

    def _connect(self) -> Connection:
        connection = self._source.connect(self._position, self._version)
        conflict = self._version.conflict(connection.version) if self._version else ""
        if conflict:
            connection.close()
            raise RefusedError(f"the object changed while it was read ({conflict})")
        self._version = self._version or connection.version
        self._connection, self._connected_at = connection, connection.start
        return connection

    def _persist(self, action: Callable[[], _Result]) -> _Result:
        failures = 0
        while True:
            try:
                return action()
            except TransientError as broken:
                self._disconnect()
                failures += 1
                if failures >= self._max_attempts:
                    reason = f"{GAVE_UP} after {failures} attempts in a row: {broken.reason}"
                    raise InputError(self._path, reason) from broken
                self._sleep(wait_seconds(f"{self._path}\n{self._position}", failures, broken.retry_after))
            except RefusedError as refused:
                self._disconnect()
                raise InputError(self._path, refused.reason) from refused

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
