"""Ranges of an object as one stream, over one connection, with few requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.storage import InputError, StorageOptions, open_input
from metaclip_curate.storage.byte_ranges import ByteRange, RangesSource, joined
from metaclip_curate.storage.input_stream import InputStream
from metaclip_curate.storage.retry import TransientError
from metaclip_curate.storage.source import Connection, Version
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer

DATA = bytes(range(256)) * 4
OPTIONS = StorageOptions(read_timeout=5, max_attempts=3)


def text_of(ranges: list[ByteRange]) -> bytes:
    return b"".join(DATA[each.start : each.end] for each in ranges)


def spread(gaps_and_lengths: list[tuple[int, int]]) -> list[ByteRange]:
    ranges, at = [], 0
    for gap, length in gaps_and_lengths:
        ranges.append(ByteRange(at + gap, length))
        at += gap + length
    return ranges


class Breaking:
    """A source of DATA whose answers stop at `end`, if they know ranges, and break after `most` bytes."""

    def __init__(self, most: int, knows_ranges: bool) -> None:
        self._most, self._knows_ranges = most, knows_ranges
        self.asked: list[tuple[int, int | None]] = []

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> Connection:
        self.asked.append((offset, end))
        start = offset if self._knows_ranges else 0
        return _Answer(start, (end or len(DATA)) if self._knows_ranges else len(DATA), self._most)

    def close(self) -> None: ...


class _Answer:
    def __init__(self, start: int, end: int, most: int) -> None:
        self.start, self.version = start, Version(len(DATA), '"1"')
        self._at, self._end, self._left = start, end, most

    def read(self, size: int) -> bytes:
        if self._at >= self._end:
            return b""
        if not self._left:
            raise TransientError("broke")
        piece = DATA[self._at : min(self._end, self._at + min(size, self._left))]
        self._at += len(piece)
        self._left -= len(piece)
        return piece

    def close(self) -> None: ...


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=12),
    st.integers(0, 40),
    st.integers(31, 500),
    st.integers(1, 50),
)
def test_the_bytes_of_the_ranges_whatever_breaks(
    gaps_and_lengths: list[tuple[int, int]], max_gap: int, most: int, size: int
) -> None:
    ranges = spread(gaps_and_lengths)
    source = Breaking(most, knows_ranges=True)
    with InputStream("x", RangesSource(source, ranges, max_gap=max_gap), StorageOptions(), lambda _: None) as stream:
        read = b"".join(iter(lambda: stream.read(size), b""))
    assert read == text_of(ranges)
    ends = [request.end for request in joined(ranges, max_gap)]
    assert {end for _, end in source.asked} == set(ends)


def test_neighbours_are_joined_up_to_the_largest_gap() -> None:
    ranges = [ByteRange(10, 10), ByteRange(20, 5), ByteRange(30, 5), ByteRange(41, 1)]
    assert list(joined(ranges, 5)) == [ByteRange(10, 25), ByteRange(41, 1)]
    assert list(joined(ranges, 4)) == [ByteRange(10, 15), ByteRange(30, 5), ByteRange(41, 1)]
    assert list(joined([])) == []


def test_a_server_that_ignores_ranges_is_asked_once() -> None:
    source = Breaking(10_000, knows_ranges=False)
    ranges = [ByteRange(10, 5), ByteRange(500, 5), ByteRange(900, 1)]
    with InputStream("x", RangesSource(source, ranges, max_gap=0), StorageOptions(), lambda _: None) as stream:
        assert stream.read() == text_of(ranges)
    assert len(source.asked) == 1


def test_all_requests_go_over_one_connection(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a", DATA)
    source_ranges = [ByteRange(0, 3), ByteRange(100, 20), ByteRange(130, 20), ByteRange(1000, 24)]
    with open_input(url, OPTIONS, ranges=source_ranges) as stream:
        assert stream.read() == text_of(source_ranges)
    # The gaps are below the one that pays off: one request.
    assert [request.headers["range"] for request in faulty_http.requests] == ["bytes=0-1023"]


def test_ranges_far_from_each_other(faulty_http: FaultyHTTPServer) -> None:
    far = DATA + bytes(2 << 20) + DATA
    url = faulty_http.add("/far", far)
    ranges = [ByteRange(5, 10), ByteRange(len(far) - 10, 10)]
    with open_input(url, OPTIONS, ranges=ranges) as stream:
        assert stream.read() == far[5:15] + far[-10:]
    requests = faulty_http.asked("/far")
    assert [request.headers["range"] for request in requests] == ["bytes=5-14", f"bytes={len(far) - 10}-{len(far) - 1}"]
    assert "if-match" in requests[1].headers
    assert faulty_http.connections == 1


def test_an_object_that_changes_between_two_ranges_is_not_mixed(faulty_http: FaultyHTTPServer) -> None:
    far = DATA + bytes(2 << 20) + DATA
    url = faulty_http.add("/far", far, [Fault(), Fault(headers={"ETag": '"other"'})])
    with open_input(url, OPTIONS, ranges=[ByteRange(0, 10), ByteRange(len(far) - 10, 10)]) as stream:
        assert stream.read(10) == far[:10]
        with pytest.raises(InputError, match=r"changed while it was read \(etag"):
            stream.read(1)


def test_a_range_beyond_the_end(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a", DATA)
    with open_input(url, OPTIONS, ranges=[ByteRange(1000, 10), ByteRange(1010, 50)]) as stream:
        assert stream.read(10) == DATA[1000:1010]
        assert stream.read(50) == DATA[1010:]
        with pytest.raises(InputError, match=r"it ends before byte 1,024"):
            stream.read(1)
    with pytest.raises(InputError, match=r"it ends before byte 5,000"):
        open_input(url, OPTIONS, ranges=[ByteRange(5000, 10)])
    with open_input(url, OPTIONS, ranges=[ByteRange(0, 10), ByteRange(9_000_000, 10)]) as stream:
        assert stream.read(10) == DATA[:10]
        with pytest.raises(InputError, match=r"it ends before byte 9,000,000"):
            stream.read(1)


def test_a_range_beyond_the_end_of_a_local_file_isnt_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(DATA)

    def no_sleep(seconds: float) -> None:
        raise AssertionError(f"it waits {seconds} s")

    with open_input(str(file), OPTIONS, ranges=[ByteRange(1000, 10), ByteRange(1010, 50)], sleep=no_sleep) as stream:
        assert stream.read(60) == DATA[1000:]
        with pytest.raises(InputError, match=r"it ends before byte 1,024"):
            stream.read(1)
