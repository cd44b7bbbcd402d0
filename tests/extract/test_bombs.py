"""Records of a gigabyte, packed and plain: passed over without being held, and the rest is read."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.page import Image, Page
from examples.warc_framing import gzip_member
from examples.wat_writer import wat_records
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

GIGABYTE = 1 << 30
MOST_MEMORY = 500 << 20
_UNIT = 1 << 20
HEAD = b"WARC/1.0\r\nWARC-Type: metadata\r\nContent-Type: application/json\r\n"

# Peak memory has to be that of a process that does nothing else, and that never held the input either.
READ_FILE = """
import dataclasses, json, sys
from benchmarks.peak_memory import peak_mb
from metaclip_curate.extract import InputStats, read_pairs
stats = InputStats("bomb")
texts = [text for batch in read_pairs(sys.argv[1], stats=stats) for text in batch.column("text").to_pylist()]
peak = round(peak_mb() * 1e6)
print(json.dumps({"found": texts, "peak": peak, **dataclasses.asdict(stats)}))
"""
READ_STREAM = """
import json, sys
from benchmarks.peak_memory import peak_mb
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.records import read_records
class Endless:
    def __init__(self, pieces): self.pieces, self.rest = iter(pieces), b""
    def read(self, size):
        if not self.rest: self.rest = next(self.pieces, b"")
        data, self.rest = self.rest[:size], self.rest[size:]
        return data
def pieces():
    small = b"WARC/1.0\\r\\nContent-Length: 2\\r\\n\\r\\n{}\\r\\n\\r\\n"
    yield small + HEAD
    for _ in range(1024): yield UNIT
    yield b"\\r\\n\\r\\n" + small
HEAD, UNIT = eval(sys.argv[1]), eval(sys.argv[2])
stats = InputStats("stream")
found = [record.body.decode() for record in read_records(Endless(pieces()), stats, 32 << 20)]
peak = round(peak_mb() * 1e6)
print(json.dumps({"found": found, "peak": peak, "records_skipped": stats.records_skipped}))
"""


def gigabyte_member(head: bytes, unit: bytes) -> bytes:
    """A gzip member of `head` and a gigabyte of `unit`, made by packing the unit once.

    A full flush forgets all that went before (RFC 1951 blocks without references back), so that packed pieces can be
    put together.
    """
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = deflate.compress(head) + deflate.flush(zlib.Z_FULL_FLUSH)
    again = deflate.compress(unit) + deflate.flush(zlib.Z_FULL_FLUSH)
    count = GIGABYTE // len(unit)
    checksum = zlib.crc32(head)
    for _ in range(count):
        checksum = zlib.crc32(unit, checksum)
    size = (len(head) + count * len(unit)) % 2**32
    return (
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first + again * count + deflate.flush() + struct.pack("<II", checksum, size)
    )


def in_process(script: str, *arguments: str) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def small_members() -> Iterator[bytes]:
    """A warcinfo, its description, and two pages of one image each."""
    pages = [Page(f"http://a.example/{n}", "", (Image(f"{n}.jpg", f"text {n}"),)) for n in range(2)]
    return map(gzip_member, wat_records(pages))


BOMBS = {
    "a record of a gigabyte": (HEAD + b"Content-Length: %d\r\n\r\n" % GIGABYTE, b"\0" * _UNIT),
    "a record without a length": (HEAD + b"\r\n", b"x" * _UNIT),
    "a record with a length that is too small": (HEAD + b"Content-Length: 2\r\n\r\n{}", b"x" * _UNIT),
    "a header without end": (HEAD + b"X: ", b"x" * _UNIT),
    "a header of endless fields": (HEAD, b"X: y\r\n" * (_UNIT // 8)),
    "zeros": (b"", b"\0" * _UNIT),
    "no record at all": (b"", b"x" * _UNIT),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_itself(tmp_path: Path, name: str) -> None:
    *before, last = small_members()
    path = tmp_path / "bomb.warc.wat.gz"
    path.write_bytes(b"".join([*before, gigabyte_member(*BOMBS[name]), last]))
    assert path.stat().st_size < 10 << 20
    found = in_process(READ_FILE, str(path))
    assert found["found"] == ["text 0", "text 1"]
    assert found["peak"] < MOST_MEMORY
    if name != "zeros":
        assert found["records_skipped"] >= 1
        assert found["status"] == "partial"


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        (HEAD + b"Content-Length: %d\r\n\r\n" % GIGABYTE, b"x" * _UNIT),
        (HEAD + b"Content-Length: %d\r\n\r\n" % GIGABYTE, b"\0" * _UNIT),
    ],
    ids=["text", "zeros"],
)
def test_a_stream_is_not_held(head: bytes, unit: bytes) -> None:
    found = in_process(READ_STREAM, repr(head), f"{unit[:1]!r} * {len(unit)}")
    assert found["found"] == ["{}", "{}"]
    assert found["records_skipped"] == 1
    assert found["peak"] < MOST_MEMORY


def amplified(links: bytes, more: bytes = b"") -> bytes:
    """A record that stays just below the limit of bytes."""
    html = b'{"Links":[{"path":"IMG@/src"}' + links + b"]}"
    return b'{"Envelope":{"Payload-Metadata":{"HTTP-Response-Metadata":{"HTML-Metadata":' + html + b"}}}" + more + b"}"


_SMALL_VALUES = 10_000_000


@pytest.mark.parametrize(
    "body",
    [amplified(b",{}" * _SMALL_VALUES), amplified(b",5", b',"x":[0' + b",{}" * _SMALL_VALUES + b"]")],
    ids=["links", "anywhere"],
)
def test_small_json_values_do_not_fill_the_memory(tmp_path: Path, body: bytes) -> None:
    *before, last = small_members()
    path = tmp_path / "bomb.warc.wat.gz"
    bomb = gzip_member(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"\r\n\r\n", 1)
    path.write_bytes(b"".join([*before, bomb, last]))
    found = in_process(READ_FILE, str(path))
    assert found["found"] == ["text 0", "text 1"]
    assert found["peak"] < MOST_MEMORY
