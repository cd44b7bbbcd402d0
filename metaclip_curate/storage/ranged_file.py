"""A file in any store that is read at any position, such as a Parquet file of which only some columns are needed."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import BinaryIO, cast

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.byte_ranges import ByteRange, RangesSource, joined
from metaclip_curate.storage.input_stream import InputStream, read_whole
from metaclip_curate.storage.redaction import public_name
from metaclip_curate.storage.retry import InputError
from metaclip_curate.storage.source import Connection, Source, Version
from metaclip_curate.storage.stores import source_of, store_of
from metaclip_curate.storage.urls import is_local, is_web, local_path, resolve

# Enough for the footer of most Parquet files; the footers of Common Crawl's index have some 100 kB.
_TAIL_BYTES = 1 << 18
_SKIPPED_BYTES = 1 << 18  # read over rather than requested anew, since a request takes as long


def open_seekable(path: str, options: StorageOptions, *, sleep: Callable[[float], None] = time.sleep) -> BinaryIO:
    """Opens an input for reading at any position, of which most is read.

    Args:
        path: Path or URL, as for `open_input`.
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
    return cast("BinaryIO", RangedFile(path, options, reads_on=True, sleep=sleep))


class RangedFile(io.RawIOBase):
    """A seekable file. Each request is retried, and all of them read the same version of the object.

    Args:
        path: Path or URL, as for `open_input`.
        options: Credentials, time-outs and number of attempts.
        reads_on: Whether a request for what isn't held goes on to the end of the file, so that the next reads need none
            of their own. That pays off where most of the file is read.
        sleep: Waits a number of seconds between attempts; tests replace it.

    Attributes:
        size: Number of bytes of the file.

    Raises:
        InputError: The file can't be opened.
    """

    def __init__(
        self,
        path: str,
        options: StorageOptions,
        *,
        reads_on: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        url = resolve(path, options)
        self._reads_on = reads_on
        self._stream: InputStream | None = None
        self._stream_position = 0  # in the file, of the stream's next byte
        self._path = public_name(path)
        self._options = options
        self._sleep = sleep
        self._source = _KeptSource(source_of(url, options))
        self._version: Version | None = None
        self._held: list[tuple[ByteRange, bytes]] = []
        self._position = 0
        first = self._fetched([ByteRange(0, 1)])
        assert self._version is not None
        size = self._version.size
        if size is None and not is_web(url):
            folder, _, name = url.rpartition("/")
            size = store_of(url, options).sizes(folder or ".").get(name)
        if size is None:
            raise InputError(self._path, "the server doesn't report its size, without which no part can be read")
        self.size: int = size
        tail = min(size, _TAIL_BYTES)
        self._tail: tuple[ByteRange, bytes] = (
            ByteRange(size - tail, tail),
            self._fetched([ByteRange(size - tail, tail)]) if size > 1 else first,
        )

    def fetch(self, ranges: Sequence[ByteRange]) -> None:
        """Reads ranges, and holds them in place of those that were fetched before.

        Args:
            ranges: Ranges of the file in any order.

        Raises:
            InputError: They can't be read.
        """
        requests = list(joined(sorted(ranges)))
        data = memoryview(self._fetched(requests) if requests else b"")
        self._held = []
        for request in requests:
            self._held.append((request, bytes(data[: request.length])))
            data = data[request.length :]

    def readable(self) -> bool:
        """Returns True, as `io` requires."""
        return True

    def seekable(self) -> bool:
        """Returns True, as `io` requires."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves to a position, as `io` does."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Returns the position."""
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns `size` bytes, fewer only at the end, and requests them unless they are held.

        Raises:
            InputError: They can't be read.
        """
        most = max(0, self.size - self._position)
        count = most if size is None or size < 0 else min(size, most)
        if not count:
            return b""
        required = ByteRange(self._position, count)
        self._position += count
        for held, data in (self._tail, *self._held):
            if held.start <= required.start and required.end <= held.end:
                return data[required.start - held.start : required.end - held.start]
        return self._streamed(required) if self._reads_on else self._fetched([required])

    def readall(self) -> bytes:
        """Returns all bytes from the position on."""
        return self.read()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fills a buffer, and returns the number of bytes."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Closes the connections; may be called twice."""
        if not self.closed:
            self._end_stream()
            self._source.release()
        super().close()

    def _streamed(self, required: ByteRange) -> bytes:
        """Reads a range by the request that is open, or by one from its start to the end of the file."""
        skipped = required.start - self._stream_position
        if self._stream is None or not 0 <= skipped <= _SKIPPED_BYTES:
            self._end_stream()
            rest = ByteRange(required.start, self.size - required.start)
            source = RangesSource(self._source, [rest], self._version)
            self._stream, skipped = InputStream(self._path, source, self._options, self._sleep), 0
        data = self._stream.read(skipped + required.length)
        self._stream_position = required.start - skipped + len(data)
        if len(data) < skipped + required.length:
            self._stream.read1()  # raises why there are no more
            raise InputError(self._path, f"it ends before byte {required.end:,}")
        return data[skipped:]

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _fetched(self, ranges: Sequence[ByteRange]) -> bytes:
        source = RangesSource(self._source, ranges, self._version)
        with InputStream(self._path, source, self._options, self._sleep) as stream:
            data = read_whole(stream, source.size)
        self._version = source.version
        return data


class _KeptSource:
    """A source whose connections stay open for the next stream that reads from it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> Connection:
        return self._source.connect(offset, version, end)

    def close(self) -> None:
        """Does nothing."""

    def release(self) -> None:
        self._source.close()
