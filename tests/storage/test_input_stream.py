"""The stream itself, over a source in memory that breaks as hypothesis says."""

from __future__ import annotations

import errno
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.storage import InputError, InputStream, StorageOptions, open_input
from metaclip_curate.storage.retry import RefusedError, TransientError
from metaclip_curate.storage.source import Version

OPTIONS = StorageOptions(max_attempts=3)


@dataclass(frozen=True)
class Step:
    """How one connection goes.

    Attributes:
        version: which of the object's bodies is there now.
        refuses: the connection is not made.
        breaks_after: bytes until it breaks; -1: never.
        silently: the break looks like an end.
        from_start: the offset is ignored.
    """

    version: int
    refuses: bool
    breaks_after: int
    silently: bool
    from_start: bool


class ScriptedConnection:
    """A connection that follows its step."""

    def __init__(self, data: bytes, start: int, version: Version, step: Step) -> None:
        self.start = start
        self.version = version
        self._rest = io.BytesIO(data[start:])
        self._left = step.breaks_after
        self._silently = step.silently
        self.closed = False

    def read(self, size: int) -> bytes:
        assert not self.closed
        if self._left < 0:
            return self._rest.read(size)
        piece = self._rest.read(min(size, self._left))
        self._left -= len(piece)
        if not piece and not self._silently:
            raise TransientError("broke")
        return piece

    def close(self) -> None:
        self.closed = True


class ScriptedSource:
    """An object whose connections follow a script, the last step for ever."""

    def __init__(self, bodies: list[bytes], marks: list[Version], steps: list[Step]) -> None:
        self._bodies = bodies
        self._marks = marks
        self._steps = iter(steps)
        self._last = steps[-1]

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> ScriptedConnection:
        step = next(self._steps, self._last)
        if step.refuses:
            raise TransientError("503")
        index = step.version % len(self._bodies)
        if offset > len(self._bodies[index]):
            raise RefusedError("changed: 416")
        start = 0 if step.from_start else offset
        return ScriptedConnection(self._bodies[index], start, self._marks[index], step)

    def close(self) -> None: ...


BODIES = st.lists(st.binary(max_size=40), min_size=1, max_size=2)
STEPS = st.lists(
    st.builds(
        Step,
        version=st.integers(0, 1),
        refuses=st.booleans(),
        breaks_after=st.integers(-1, 40),
        silently=st.booleans(),
        from_start=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)
# What a server says of its bodies: size and ETag, size only, nothing at all.
MARKS = {
    "etag": lambda index, body: Version(len(body), f'"{index}"'),
    "date": lambda index, body: Version(len(body), last_modified=str(index)),
    "size": lambda index, body: Version(len(body)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MARKS)
@given(bodies=BODIES, steps=STEPS, sizes=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_a_prefix_of_one_version_or_all_of_it(
    kind: str, bodies: list[bytes], steps: list[Step], sizes: list[int]
) -> None:
    """Whatever breaks: without an error all bytes of one body came, with one a prefix of one body."""
    marks = [MARKS[kind](index, body) for index, body in enumerate(bodies)]
    received = b""
    error: InputError | None = None
    try:
        stream = InputStream("a", ScriptedSource(bodies, marks, steps), OPTIONS, lambda _: None)
        for size in cycle(sizes):
            piece = stream.read(size)
            received += piece
            assert stream.bytes_read == len(received)
            assert len(piece) <= size
            if not piece:
                break
    except InputError as caught:
        error = caught
    if error is None:
        assert received in bodies
    else:
        assert any(body.startswith(received) for body in bodies)


@given(data=st.binary(max_size=100), breaks=st.lists(st.integers(1, 30), max_size=5))
def test_breaks_after_new_bytes_never_end_it(data: bytes, breaks: list[int]) -> None:
    steps = [Step(0, False, after, False, False) for after in breaks] + [Step(0, False, -1, False, False)]
    stream = InputStream("a", ScriptedSource([data], [Version(len(data), "x")], steps), OPTIONS, lambda _: None)
    assert stream.read() == data


def cycle(sizes: list[int]) -> Iterator[int]:
    while True:
        yield from sizes


def test_waits_grow_and_differ_between_files() -> None:
    refusing = [Step(0, True, 0, False, False)]

    def waits_of(path: str) -> list[float]:
        waits: list[float] = []
        with pytest.raises(InputError):
            InputStream(path, ScriptedSource([b""], [Version()], refusing), StorageOptions(), waits.append)
        return waits

    assert waits_of("a") == waits_of("a") != waits_of("b")
    assert len(waits_of("a")) == 7
    assert all(wait <= 2.0**n for n, wait in enumerate(waits_of("a")))


def test_local_files(tmp_path: Path) -> None:
    path = tmp_path / "with space.wat.gz"
    path.write_bytes(gzip.compress(b"x" * 3_000_000, mtime=0))
    stored = path.read_bytes()
    for name in (str(path), path.as_uri(), f"file:{path}".replace(" ", "%20")):
        with open_input(name, OPTIONS) as stream:
            assert stream.read(2) == b"\x1f\x8b"
            assert stream.read() == stored[2:]
            assert stream.bytes_read == len(stored)
    with gzip.open(io.BufferedReader(open_input(str(path), OPTIONS))) as unpacked:
        assert unpacked.read() == b"x" * 3_000_000


def test_local_mistakes_fail_at_once(tmp_path: Path) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError("waited")

    with pytest.raises(InputError, match="No such file"):
        open_input(str(tmp_path / "none"), OPTIONS, sleep=sleep)
    with pytest.raises(InputError, match="directory"):
        open_input(str(tmp_path), OPTIONS, sleep=sleep)


def test_a_disk_that_fails_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)) * 1000)
    failing = iter([False, True, False, True, True])
    waits: list[float] = []

    class Flaky(io.FileIO):
        def read(self, size: int | None = -1) -> Any:
            if next(failing, False):
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    monkeypatch.setattr(io, "FileIO", Flaky)
    with open_input(str(path), OPTIONS, sleep=waits.append) as stream:
        assert b"".join(iter(lambda: stream.read(1000), b"")) == path.read_bytes()
    assert len(waits) == 3


def test_common_crawls_paths_in_a_local_mirror(tmp_path: Path) -> None:
    (tmp_path / "crawl-data").mkdir()
    (tmp_path / "crawl-data" / "a.wat").write_bytes(b"1")
    with open_input("crawl-data/a.wat", StorageOptions(cc_base=str(tmp_path))) as stream:
        assert stream.read() == b"1"


def test_bytes_that_were_looked_at_are_returned_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with open_input(str(tmp_path / "file"), OPTIONS) as stream:
        assert stream.peek(4) == stream.peek(4) == b"0123"
        assert stream.read1(2) == b"01"
        assert stream.peek(3) == b"234"
        assert stream.read() == b"23456789"
        assert stream.peek(1) == stream.read() == b""
        assert stream.bytes_read == 10
