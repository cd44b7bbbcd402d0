"""Gzip members: optional header fields, and bytes that only look like a member's start."""

from __future__ import annotations

import gzip
import io
import struct
import zlib

import pytest

from metaclip_curate.extract.gzip_members import GzipFormat
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.members import SearchBudget, read_members
from metaclip_curate.extract.partial_member import PartialMember
from metaclip_curate.extract.stored_bytes import End, Piece, StoredBytes

MAGIC = b"\x1f\x8b\x08"
STORED_BLOCK = b"\x00" + struct.pack("<HH", 4000, 4000 ^ 0xFFFF)


def pieces(data: bytes) -> tuple[list[Piece], InputStats]:
    stats = InputStats("test")
    return list(read_members(StoredBytes(io.BytesIO(data)), stats, GzipFormat())), stats


def with_fields(flags: int, fields: bytes) -> bytes:
    # The magic number within keeps the member from being decompressed at once.
    content = b"content" + MAGIC
    packer = zlib.compressobj(0, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    trailer = struct.pack("<II", zlib.crc32(content), len(content))
    return MAGIC + bytes([flags]) + b"\0\0\0\0\0\xff" + fields + packed + trailer


@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        (0, b""),
        (1, b""),
        (2, b"hc"),
        (4, b"\x03\0abc"),
        (8, b"name\0"),
        (16, b"a comment\0"),
        (31, b"\x03\0abcname\0\0hc"),
    ],
)
def test_optional_fields(flags: int, fields: bytes) -> None:
    found, stats = pieces(with_fields(flags, fields) + gzip.compress(b"next"))
    assert found == [(b"content" + MAGIC, End.MEMBER), (b"next", End.MEMBER)]
    assert stats.status == "ok"


@pytest.mark.parametrize(("flags", "fields"), [(32, b""), (8, b"x" * 100_000), (4, b"\xff\xff"), (255, b"")])
def test_invalid_headers(flags: int, fields: bytes) -> None:
    found, stats = pieces(with_fields(flags, fields) + gzip.compress(b"next"))
    assert found[-1] == (b"next", End.MEMBER)
    assert all(piece.end is not End.MEMBER for piece in found[:-1])
    assert stats.status == "partial"


@pytest.mark.parametrize(
    "false_start",
    [MAGIC, MAGIC + b"\0", MAGIC + b"\0\0\0\0\0\0\xff" + STORED_BLOCK, MAGIC + b"\x08\0\0\0\0\0\xff"],
    ids=["magic", "with flags", "with a stored block", "with a name"],
)
def test_nested_false_starts_take_time_in_proportion(monkeypatch: pytest.MonkeyPatch, false_start: bytes) -> None:
    monkeypatch.setattr(SearchBudget, "FREE_BYTES", 1 << 16)
    given = 0
    next_bytes = PartialMember.next_bytes

    def counting(self: PartialMember, size: int) -> bytes:
        nonlocal given
        data = next_bytes(self, size)
        given += len(data)
        return data

    monkeypatch.setattr(PartialMember, "next_bytes", counting)
    data = false_start * (1_000_000 // len(false_start))
    pieces(data)
    assert given < 40 * len(data)


def test_a_member_after_many_false_starts_is_found() -> None:
    found, _ = pieces(MAGIC * 5_000 + gzip.compress(b"next"))
    assert found[-1] == (b"next", End.MEMBER)


def test_empty_blocks_without_end_are_not_held() -> None:
    class Endless:
        left = 100

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            return b"\0\0\0\xff\xff" * (size // 5) if self.left > 0 else b""

    stored = StoredBytes(Endless())
    stored.buffer = MAGIC + b"\0\0\0\0\0\0\xff"
    largest = 0
    for _ in read_members(stored, InputStats("test"), GzipFormat()):
        largest = max(largest, len(stored.buffer))
    assert 8 << 20 < largest < 16 << 20
