"""Reading a file from an offset, with the same retries after broken connections as for whole files."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from metaclip_curate.storage import InputError, InputStream, StorageOptions, is_local
from metaclip_curate.storage.retry import MissingError
from metaclip_curate.storage.source import Connection, Source, Version
from metaclip_curate.storage.stores import source_of
from metaclip_curate.storage.urls import local_path, resolve


class _Shifted:
    """The bytes of a file from an offset on, as if the file began there. See `storage.source.Source`."""

    def __init__(self, source: Source, start: int) -> None:
        self._source = source
        self._start = start
        self.whole_size: int | None = None  # bytes of the whole file, once it is known

    def connect(self, offset: int, version: Version | None) -> Connection:
        """Connects at an offset in the shifted file. See `Source.connect`."""
        if version is not None and version.size is not None:
            version = dataclasses.replace(version, size=version.size + self._start)
        connection = self._source.connect(self._start + offset, version)
        self.whole_size = connection.version.size
        return _ShiftedConnection(connection, self._start)

    def close(self) -> None:
        """Closes the connection."""
        self._source.close()


class _ShiftedConnection:
    """A connection with positions relative to the offset; one that begins before it has a negative start."""

    def __init__(self, connection: Connection, start: int) -> None:
        self._connection = connection
        self.start = connection.start - start
        size = connection.version.size
        self.version = dataclasses.replace(connection.version, size=None if size is None else max(0, size - start))

    def read(self, size: int) -> bytes:
        """Reads up to `size` bytes. See `Connection.read`."""
        return self._connection.read(size)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def open_at(
    path: str, start: int, options: StorageOptions, *, sleep: Callable[[float], None] = time.sleep
) -> InputStream:
    """Opens a file at an offset.

    Args:
        path: Path or URL, as for `storage.open_input`.
        start: Offset of the first byte, at most the size of the file.
        options: Credentials and limits for reading the file.
        sleep: Function that waits between attempts.

    Returns:
        A stream to the end of the file, which continues after a broken connection.

    Raises:
        InputError: The file can't be opened.
        UserError: The scheme is unknown.
    """
    return InputStream(path, _Shifted(source_of(resolve(path, options), options), start), options, sleep)


def size_of(path: str, options: StorageOptions) -> int | None:
    """Returns the size of a file in bytes; None if the store doesn't report it.

    Raises:
        InputError: The file can't be opened.
        UserError: The scheme is unknown.
    """
    url = resolve(path, options)
    if is_local(url):
        try:
            return Path(local_path(url)).stat().st_size
        except FileNotFoundError as error:
            raise InputError(path, "no such file") from MissingError(str(error))
        except OSError as error:
            raise InputError(path, error.strerror or str(error)) from error
    source = _Shifted(source_of(url, options), 0)
    InputStream(path, source, options, time.sleep).close()
    return source.whole_size
