"""Some ranges of an object as one stream of bytes, read by as few requests as pay off."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from metaclip_curate.storage.retry import RefusedError, TransientError
from metaclip_curate.storage.source import Connection, Source, Version

# Bytes. Ranges with a smaller gap between them are read by one request. A request costs a round trip of 50 to 100 ms,
# in which a connection delivers about 1 MB at 10 to 20 MB/s. In dollars it is of the same order: a GET from S3 costs
# $0.0000004, as 30 ms of a core at $0.05 an hour do. Common Crawl limits the number of requests, and not the bytes.
MAX_GAP = 1 << 20
_SKIP_BYTES = 1 << 18


class ByteRange(NamedTuple):
    """A range of an object.

    Attributes:
        start: Offset of its first byte.
        length: Number of bytes.
    """

    start: int
    length: int

    @property
    def end(self) -> int:
        """Offset after its last byte."""
        return self.start + self.length


def joined(ranges: Sequence[ByteRange], max_gap: int = MAX_GAP) -> Iterator[ByteRange]:
    """Yields the ranges that are requested: neighbours are joined if the gap between them is small.

    Args:
        ranges: Ranges in the order of their starts.
        max_gap: Largest number of bytes between two ranges that are read by one request.
    """
    start = end = None
    for each in ranges:
        if start is None or end is None:
            start, end = each.start, each.end
        elif each.start - end <= max_gap:
            end = max(end, each.end)
        else:
            yield ByteRange(start, end - start)
            start, end = each.start, each.end
    if start is not None and end is not None:
        yield ByteRange(start, end - start)


class RangesSource:
    """A source that consists of ranges of another one, one after the other. See `storage.source.Source`.

    All requests go over one connection, if the server keeps it open.

    Args:
        source: Source of the whole object.
        ranges: Ranges in the order of their starts, none of which overlap.
        required: Version of the object that the ranges belong to. Default: any version.
        max_gap: Largest number of bytes between two ranges that are read by one request.

    Attributes:
        version: Version of the whole object, once a connection is open.
    """

    def __init__(
        self,
        source: Source,
        ranges: Sequence[ByteRange],
        required: Version | None = None,
        max_gap: int = MAX_GAP,
    ) -> None:
        self._source = source
        self.ranges = ranges
        self.size = sum(each.length for each in ranges)
        self.version = required
        self._required = required
        self._ends = [request.end for request in joined(ranges, max_gap)]

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> Connection:
        """Connects at an offset in the joined ranges. See `Source.connect`."""
        if version is None:  # nothing was read yet, so any version will do
            self.version = self._required
        return _RangesConnection(self, offset)

    def open_range(self, start: int) -> tuple[Connection, int]:
        """Requests the bytes from a position of the object up to the end of the joined ranges that it lies in.

        Returns:
            The connection, and the offset after the last byte that was requested.

        Raises:
            RefusedError: The object isn't the version that was read before.
        """
        end = next(each for each in self._ends if each > start)
        connection = self._source.connect(start, self.version, end)
        try:
            if self.version is not None and (conflict := self.version.conflict(connection.version)):
                raise RefusedError(f"the object changed while it was read ({conflict})")
        except BaseException:
            connection.close()
            raise
        self.version = self.version or connection.version
        return connection, end

    def close(self) -> None:
        """Closes what is kept open between connections."""
        self._source.close()


class _RangesConnection:
    """An answer that goes over the gaps between ranges, and from one request to the next."""

    def __init__(self, ranges: RangesSource, offset: int) -> None:
        self.start = offset
        self._ranges = ranges
        self._index, self._within = _position(ranges.ranges, offset)
        self._inner: Connection | None = None
        self._requested_end = 0
        self._ignores_ranges = False
        self._at = 0  # offset in the object of the next byte of the inner connection
        whole = Version()
        if self._index < len(ranges.ranges):
            self._seek(self._target)
            assert self._inner is not None
            whole = self._inner.version
        self.version = dataclasses.replace(whole, size=ranges.size)

    @property
    def _target(self) -> int:
        return self._ranges.ranges[self._index].start + self._within

    def read(self, size: int) -> bytes:
        """Reads up to `size` bytes. See `Connection.read`."""
        ranges = self._ranges.ranges
        while self._index < len(ranges) and self._within == ranges[self._index].length:
            self._index, self._within = self._index + 1, 0
        if self._index == len(ranges):
            return b""
        self._seek(self._target)
        piece = self._receive(min(size, ranges[self._index].length - self._within))
        self._within += len(piece)
        return piece

    def close(self) -> None:
        """Closes the inner connection. If it was read to its end, another request can use it."""
        if self._inner is not None:
            if self._at == self._requested_end and not self._ignores_ranges:
                # Only after the end was seen is the connection free for another request.
                with suppress(TransientError, RefusedError):
                    self._inner.read(1)
            self._inner.close()
            self._inner = None

    def _seek(self, target: int) -> None:
        """Makes `target` the next byte of the inner connection."""
        outside = target < self._at or (target >= self._requested_end and not self._ignores_ranges)
        if self._inner is None or outside:
            self.close()
            self._inner, self._requested_end = self._ranges.open_range(target)
            self._at = self._inner.start
            self._ignores_ranges = self._at < target
        while self._at < target:
            self._receive(min(_SKIP_BYTES, target - self._at))

    def _receive(self, size: int) -> bytes:
        assert self._inner is not None
        piece = self._inner.read(size)
        if not piece:
            whole = self._inner.version.size
            if whole is not None and self._at >= whole:
                raise RefusedError(f"it ends before byte {self._target:,}" if whole else "it is empty")
            raise TransientError(f"the answer ended before byte {self._requested_end - 1:,}")
        self._at += len(piece)
        return piece


def _position(ranges: Sequence[ByteRange], offset: int) -> tuple[int, int]:
    """Returns the index of the range that an offset in the joined ranges lies in, and the offset within it."""
    for index, each in enumerate(ranges):
        if offset < each.length:
            return index, offset
        offset -= each.length
    return len(ranges), 0
