"""The bytes of a file from an offset on, as if the file began there."""

from __future__ import annotations

import dataclasses

from metaclip_curate.storage.source import Connection, Source, Version


class OffsetSource:
    """A source that begins at an offset in another one. See `storage.source.Source`.

    Args:
        source: Source of the whole file.
        start: Offset of the first byte.
        required: Version of the file that the offset belongs to. Default: any version.

    Attributes:
        version: Version of the whole file, once a connection is open.
    """

    def __init__(self, source: Source, start: int, required: Version | None = None) -> None:
        self._source = source
        self._start = start
        self._required = required
        self.version = Version()

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> Connection:
        """Connects at an offset in the shifted file. See `Source.connect`."""
        if version is not None and version.size is not None:
            version = dataclasses.replace(version, size=version.size + self._start)
        end = None if end is None else self._start + end
        connection = self._source.connect(self._start + offset, version or self._required, end)
        self.version = connection.version
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
