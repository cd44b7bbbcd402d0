"""Reading an input from a byte on, with the care for broken connections that whole inputs get."""

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
    """The bytes of an object from `start` on, as if the object began there. See `storage.source.Source`."""

    def __init__(self, source: Source, start: int) -> None:
        self._source = source
        self._start = start
        self.whole_size: int | None = None  # bytes of the object, once a store has told them

    def connect(self, offset: int, version: Version | None) -> Connection:
        """As `Source.connect` says."""
        if version is not None and version.size is not None:
            version = dataclasses.replace(version, size=version.size + self._start)
        connection = self._source.connect(self._start + offset, version)
        self.whole_size = connection.version.size
        return _ShiftedConnection(connection, self._start)

    def close(self) -> None:
        """Ends it."""
        self._source.close()


class _ShiftedConnection:
    """An answer with its positions counted from `start`; one that begins before has a negative one."""

    def __init__(self, connection: Connection, start: int) -> None:
        self._connection = connection
        self.start = connection.start - start
        size = connection.version.size
        self.version = dataclasses.replace(connection.version, size=None if size is None else max(0, size - start))

    def read(self, size: int) -> bytes:
        """As `Connection.read` says."""
        return self._connection.read(size)

    def close(self) -> None:
        """Ends it."""
        self._connection.close()


def open_at(
    path: str, start: int, options: StorageOptions, *, sleep: Callable[[float], None] = time.sleep
) -> InputStream:
    """The bytes of an input from one on, to the end.

    Args:
        path: As `storage.open_input` takes it.
        start: Bytes before the first one wanted, not more than the input has.
        options: How to reach it.
        sleep: Waits between attempts; tests give their own.

    Returns:
        A stream that goes on where a connection broke.

    Raises:
        InputError: It can't be opened.
        UserError: The scheme is unknown.
    """
    return InputStream(path, _Shifted(source_of(resolve(path, options), options), start), options, sleep)


def size_of(path: str, options: StorageOptions) -> int | None:
    """The size of an input in bytes; None where the store doesn't tell it.

    Raises:
        InputError: It can't be opened.
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
