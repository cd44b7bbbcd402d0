"""Contents that a server compressed without being asked to."""

from __future__ import annotations

import gzip
import zlib
from email.message import Message

import pytest

from metaclip_curate.images.codings import MAX_CODINGS, DamagedImageError, codings_of, unpacked
from metaclip_curate.images.connection import Deadline, RefusedImageError

IMAGE = b"\x89PNG and so on" * 50


def headers(*values: str) -> Message:
    message = Message()
    for value in values:
        message["Content-Encoding"] = value
    return message


def undo(packed: bytes, coding: str, max_bytes: int = len(IMAGE)) -> bytes:
    return unpacked(packed, coding, max_bytes, Deadline(10, 10))


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("values", "codings"),
    [
        ((), []),
        (("identity",), []),
        (("utf-8, GZIP",), ["gzip"]),
        (("deflate, x-gzip",), ["gzip", "deflate"]),
        (("deflate", "gzip"), ["gzip", "deflate"]),
    ],
)
def test_codings_are_undone_from_the_last(values: tuple[str, ...], codings: list[str]) -> None:
    assert codings_of(headers(*values)) == codings


@pytest.mark.parametrize(
    ("value", "reason"), [("gzip, br", "packed as br"), (", ".join(["gzip"] * (MAX_CODINGS + 1)), "more than 3 times")]
)
def test_codings_that_cannot_be_undone(value: str, reason: str) -> None:
    with pytest.raises(RefusedImageError, match=reason):
        codings_of(headers(value))


@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (gzip.compress(IMAGE), "gzip"),
        (gzip.compress(IMAGE[:100]) + gzip.compress(IMAGE[100:]), "gzip"),
        (zlib.compress(IMAGE), "deflate"),
        (raw_deflate(IMAGE), "deflate"),
        (IMAGE, "gzip"),
        (IMAGE, "deflate"),
    ],
)
def test_a_file_comes_out_whole_whether_its_server_compressed_it_or_not(packed: bytes, coding: str) -> None:
    assert undo(packed, coding) == IMAGE


@pytest.mark.parametrize(
    ("packed", "coding"),
    [(gzip.compress(IMAGE)[:-9], "gzip"), (zlib.compress(IMAGE)[:-5], "deflate"), (b"\x1f\x8b" + IMAGE, "gzip")],
)
def test_a_damaged_file(packed: bytes, coding: str) -> None:
    with pytest.raises(DamagedImageError):
        undo(packed, coding)


def test_no_more_than_a_byte_beyond_the_limit_is_decompressed() -> None:
    assert len(undo(gzip.compress(bytes(1 << 20)), "gzip", 1000)) == 1001
