"""HTTP responses as servers send them and as crawlers rewrite them."""

from __future__ import annotations

import gzip
import random
import zlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.extract.http_response import HttpResponse, decoded_body, parse_response

# Long and varied enough that it doesn't fit a packed block or two.
BODY = b"<html>" + b"".join(b"<p>%d</p>" % random.Random(0).randrange(10**9) + b"%d" % n for n in range(20_000))


def packed(codec: str) -> bytes:
    return bytes(pa.Codec(codec).compress(BODY, asbytes=True))


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def chunked(data: bytes, size: int = 1000, extension: bytes = b"") -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    framed = (b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return b"".join(framed) + b"0\r\nTrailer: x\r\n\r\n"


PACKED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "br": packed("brotli"),
    "zstd": packed("zstd"),
    "deflate": zlib.compress(BODY),
}


def response(body: bytes, **headers: str) -> HttpResponse:
    return HttpResponse([(name.replace("_", "-"), value) for name, value in headers.items()], body)


def test_headers_and_body() -> None:
    parsed = parse_response(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\nX-Robots-Tag: a\r\nno colon\r\n"
        b"x-robots-tag:b\r\nFolded: one\r\n\t two\r\nName: \xe4\r\n\r\n\r\nbody\r\n\r\nmore"
    )
    assert parsed.header("content-type") == "text/html; charset=x"
    assert [value for name, value in parsed.headers if name == "x-robots-tag"] == ["a", "b"]
    assert parsed.header("folded") == "one two"
    assert parsed.header("name") == "\u00e4"
    assert parsed.header("missing") == ""
    assert parsed.body == b"\r\nbody\r\n\r\nmore"


@pytest.mark.parametrize(
    ("block", "body"),
    [
        (b"HTTP/1.0 200 OK\nA: b\n\nbody", b"body"),
        (b"HTTP/2 200\r\n\r\nbody", b"body"),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\nbody", b"body"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n", b""),
        (b"HTTP/1.1 200 OK", b""),
    ],
)
def test_odd_line_ends(block: bytes, body: bytes) -> None:
    assert parse_response(block).body == body


@pytest.mark.parametrize("block", [b"", b"GET / HTTP/1.1\r\n\r\n", b"<html>", b"HTTP/", b"\x1f\x8b"])
def test_what_is_no_response_is_a_value_error(block: bytes) -> None:
    with pytest.raises(ValueError, match="no HTTP response"):
        parse_response(block)


@pytest.mark.parametrize("coding", PACKED)
def test_codings_are_undone(coding: str) -> None:
    assert decoded_body(response(PACKED[coding], content_encoding=coding.upper())) == BODY


def test_deflate_without_a_zlib_header() -> None:
    assert decoded_body(response(raw_deflate(BODY), content_encoding="deflate")) == BODY


@pytest.mark.parametrize("coding", [*PACKED, "identity", "none", "utf-8", "gzip, br", ""])
def test_a_body_that_was_unpacked_already_stays(coding: str) -> None:
    # As in old crawls of Common Crawl.
    assert decoded_body(response(BODY, content_encoding=coding, transfer_encoding="chunked")) == BODY
    assert decoded_body(response(b"\r\n <!DOCTYPE html>", content_encoding=coding)) == b"\r\n <!DOCTYPE html>"


@pytest.mark.parametrize("coding", PACKED)
@pytest.mark.parametrize("damage", ["cut", "junk behind"])
def test_damage_costs_only_what_follows(coding: str, damage: str) -> None:
    whole = PACKED[coding]
    body = whole[: len(whole) // 2] if damage == "cut" else whole + b"junk"
    unpacked = decoded_body(response(body, content_encoding=coding))
    assert BODY.startswith(unpacked)
    assert len(unpacked) > (len(BODY) // 4 if damage == "cut" else len(BODY) - 2048)


def test_several_codings_and_members() -> None:
    twice = gzip.compress(gzip.compress(BODY))
    assert decoded_body(response(twice, content_encoding="gzip, gzip")) == BODY
    members = gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])
    assert decoded_body(response(members, content_encoding="gzip")) == BODY
    assert decoded_body(response(chunked(PACKED["br"]), transfer_encoding="chunked", content_encoding="br")) == BODY
    assert decoded_body(response(chunked(PACKED["gzip"]), transfer_encoding="gzip, chunked")) == BODY


@pytest.mark.parametrize("extension", [b"", b";name=value", b"  "])
def test_chunks(extension: bytes) -> None:
    body = chunked(BODY, extension=extension)
    assert decoded_body(response(body, transfer_encoding="Chunked")) == BODY
    cut = decoded_body(response(body[:1500], transfer_encoding="chunked"))
    assert BODY.startswith(cut)
    assert len(cut) > 1400
    assert decoded_body(response(body)) == body


@pytest.mark.parametrize("body", [b"Add\r\n" + b"x" * 10_000, b"no chunk", b"", b"0\r\n\r\n", b"ffffffff\r\n"])
def test_what_looks_like_chunks_and_is_none(body: bytes) -> None:
    decoded = decoded_body(response(body, transfer_encoding="chunked"))
    assert decoded in (body, b"")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_bomb_is_cut_off(coding: str) -> None:
    codec = {"br": "brotli", "deflate": "gzip"}.get(coding, coding)
    zeros = b"\0" * (64 << 20)
    bomb = zlib.compress(zeros) if coding == "deflate" else bytes(pa.Codec(codec).compress(zeros, asbytes=True))
    assert len(decoded_body(response(bomb, content_encoding=coding), max_bytes=100_000)) == 100_000
    assert len(decoded_body(response(raw_deflate(zeros), content_encoding="deflate"), max_bytes=100_000)) == 100_000


def test_many_codings_are_not_undone() -> None:
    body = BODY
    for _ in range(20):
        body = gzip.compress(body, 1)
    assert decoded_body(response(body, content_encoding=",".join(["gzip"] * 20))).startswith(b"\x1f\x8b")


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"5\r\n", b"ffffffff\r\n", b"0\r\n"]),
    st.sampled_from(["", "chunked", "chunked, gzip", "gzip, chunked", "\0"]),
    st.sampled_from(["", "gzip", "deflate", "br", "zstd", "br, gzip", "deflate,deflate", "\xff"]),
)
def test_any_body_is_decoded(body: bytes, start: bytes, transfer: str, content: str) -> None:
    decoded_body(response(start + body, transfer_encoding=transfer, content_encoding=content), max_bytes=1000)


@given(st.binary(max_size=200))
def test_any_block_is_parsed(rest: bytes) -> None:
    assert rest.endswith(parse_response(b"HTTP/1.1" + rest).body)
