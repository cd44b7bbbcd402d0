"""A file from an offset on: positions, sizes, and the version that is asked for."""

from __future__ import annotations

import pytest

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.input_stream import InputStream
from metaclip_curate.storage.offset_source import OffsetSource
from metaclip_curate.storage.retry import TransientError
from metaclip_curate.storage.source import Connection, Version

DATA = bytes(range(200))
WHOLE = Version(len(DATA), etag='"a"')


class Broken:
    """A connection to DATA that breaks after some bytes, as often as `Flaky` wants."""

    def __init__(self, start: int, most: int) -> None:
        self.version, self.start = WHOLE, start
        self._position, self._end = start, min(len(DATA), start + most)

    def read(self, size: int) -> bytes:
        if self._position == self._end < len(DATA):
            raise TransientError("the connection broke")
        piece = DATA[self._position : min(self._end, self._position + size)]
        self._position += len(piece)
        return piece

    def close(self) -> None: ...


class Flaky:
    """A source of DATA whose connections begin `early` bytes before what is asked for, and break after `most`."""

    def __init__(self, most: int, early: int = 0) -> None:
        self._most, self._early = most, early
        self.asked: list[tuple[int, Version | None]] = []

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> Connection:
        self.asked.append((offset, version))
        return Broken(max(0, offset - self._early), self._most)

    def close(self) -> None: ...


@pytest.mark.parametrize("early", [0, 5, 200])
def test_the_bytes_from_the_offset_on(early: int) -> None:
    source = OffsetSource(Flaky(1000, early), 50)
    with InputStream("x", source, StorageOptions(), lambda seconds: None) as stream:
        assert stream.read() == DATA[50:]
    assert source.version == WHOLE


def test_after_a_break_the_whole_files_version_is_asked_for() -> None:
    flaky = Flaky(60)
    with InputStream("x", OffsetSource(flaky, 50), StorageOptions(), lambda seconds: None) as stream:
        assert stream.read() == DATA[50:]
    assert flaky.asked == [(50, None), (110, WHOLE), (170, WHOLE)]


def test_the_first_connection_asks_for_the_required_version() -> None:
    flaky = Flaky(1000)
    with InputStream("x", OffsetSource(flaky, 50, WHOLE), StorageOptions(), lambda seconds: None) as stream:
        assert stream.read() == DATA[50:]
    assert flaky.asked == [(50, WHOLE)]
