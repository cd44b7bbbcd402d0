"""HTTP responses as servers send them and as crawlers rewrite them."""

from __future__ import annotations

import gzip
import random
import time
import zlib
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.extract.http_response import (
    MAX_HEAD_BYTES,
    Decoded,
    HttpResponse,
    decoded_body,
    media_type,
    parse_response,
)

# Long and varied enough that it doesn't fit a packed block or two.
_NUMBERS = random.Random(0)
BODY = b"<html>" + b"".join(b"<p>%d</p>" % _NUMBERS.randrange(10**9) + b"%d" % n for n in range(20_000))


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


def test_media_types_are_compared_without_case_and_parameters() -> None:
    assert media_type(' Text/HTML; Charset="UTF-8"') == "text/html"
    assert media_type("application/http;msgtype=response") == "application/http"
    assert media_type("") == media_type("; charset=utf-8") == ""


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


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nContent-Type: text/plain\r\n\r\n" * 3,
        b"\nHTTP/1.0 100\n\n",
    ],
)
def test_interim_responses_are_passed_over(interim: bytes) -> None:
    parsed = parse_response(interim + b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nHTTP/1.1 is a protocol")
    assert parsed == HttpResponse([("content-type", "text/html")], b"HTTP/1.1 is a protocol")


def test_what_follows_any_other_response_is_its_body() -> None:
    second = b"HTTP/1.1 200 OK\r\n\r\nbody"
    assert parse_response(b"HTTP/1.1 200 OK\r\n\r\n" + second).body == second
    assert parse_response(b"HTTP/1.1 100 Continue\r\n\r\nbody").body == b"body"


@pytest.mark.parametrize("line", [b"\r\n b", b"\n\t", b"\r\nX: b", b"b", b"\r\r", b" "])
def test_long_heads_take_linear_time(line: bytes) -> None:
    lines = line * ((1 << 20) // len(line))
    started = time.process_time()
    parsed = parse_response(b"HTTP/1.1 200 OK\r\nX: a" + lines + b"\r\nY: c\r\n\r\nbody")
    assert time.process_time() - started < 5
    assert (parsed.header("x")[:1], parsed.header("y"), parsed.body) == ("a", "c", b"body")


def test_a_head_without_end_is_a_value_error() -> None:
    for end in (b"", b"\r\n\r\nbody"):
        with pytest.raises(ValueError, match="more than 2097152 bytes of headers"):
            parse_response(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MAX_HEAD_BYTES // 6) + end)


@pytest.mark.parametrize("block", [b"", b"GET / HTTP/1.1\r\n\r\n", b"<html>", b"HTTP/", b"\x1f\x8b"])
def test_what_is_no_response_is_a_value_error(block: bytes) -> None:
    with pytest.raises(ValueError, match="no HTTP response"):
        parse_response(block)


def content(body: bytes, **headers: str) -> bytes:
    """What is decoded of a body that isn't damaged."""
    decoded, damage = decoded_body(response(body, **headers))
    assert damage == ""
    return decoded


@pytest.mark.parametrize("coding", PACKED)
def test_codings_are_undone(coding: str) -> None:
    assert content(PACKED[coding], content_encoding=coding.upper()) == BODY


def test_deflate_without_a_zlib_header() -> None:
    assert content(raw_deflate(BODY), content_encoding="deflate") == BODY


@pytest.mark.parametrize("coding", [*PACKED, "identity", "none", "utf-8", "gzip, br", ""])
def test_a_body_that_was_unpacked_already_stays(coding: str) -> None:
    # As in old crawls of Common Crawl.
    assert content(BODY, content_encoding=coding, transfer_encoding="chunked") == BODY
    assert content(b"\r\n <!DOCTYPE html>", content_encoding=coding) == b"\r\n <!DOCTYPE html>"


PAGE = b"<html><p>Some text.</p><img src=x.jpg alt='a cat'></html>"


@cache
def all_packed(data: bytes) -> list[tuple[str, bytes]]:
    """A body in every coding, and in both ways of deflate."""
    return [
        ("gzip", gzip.compress(data)),
        ("deflate", zlib.compress(data)),
        ("deflate", raw_deflate(data)),
        ("br", bytes(pa.Codec("brotli").compress(data, asbytes=True))),
        ("zstd", bytes(pa.Codec("zstd").compress(data, asbytes=True))),
    ]


@pytest.mark.parametrize("data", [PAGE, BODY], ids=["small", "large"])
@pytest.mark.parametrize("line_ends", [b"\r\n", b"\n", b"\r\n\r\n"])
def test_line_ends_behind_a_packed_body_are_no_damage(data: bytes, line_ends: bytes) -> None:
    for coding, packed_data in all_packed(data):
        assert content(packed_data + line_ends, content_encoding=coding) == data


@pytest.mark.parametrize("data", [PAGE, BODY], ids=["small", "large"])
def test_anything_behind_a_packed_body_costs_nothing_of_it(data: bytes) -> None:
    for coding, packed_data in all_packed(data):
        assert decoded_body(response(packed_data + b"junk" * 5, content_encoding=coding)).content == data


def test_a_wrong_checksum_costs_nothing_and_is_told() -> None:
    whole = gzip.compress(PAGE)
    for coding, body in [
        ("gzip", whole[:-8] + b"1234" + whole[-4:]),
        ("gzip", whole[:-4] + b"1234"),
        ("deflate", zlib.compress(PAGE)[:-4] + b"1234"),
    ]:
        damage = f"a page's body is damaged or breaks off within its coding {coding}"
        assert decoded_body(response(body, content_encoding=coding)) == (PAGE, damage)


@pytest.mark.parametrize("kept", [0.4, 0.7, 0.9])
def test_a_body_that_breaks_off_is_read_up_to_there(kept: float) -> None:
    for coding, whole in all_packed(BODY):
        body = whole[: int(len(whole) * kept)]
        decoded, damage = decoded_body(response(body, content_encoding=coding))
        assert "damaged or breaks off" in damage
        assert BODY.startswith(decoded)
        # A block of zstd is unpacked as a whole.
        assert len(decoded) > len(BODY) * kept - (150_000 if coding == "zstd" else 10_000)


def test_a_body_that_is_damaged_is_read_up_to_there() -> None:
    for coding, whole in all_packed(BODY):
        at = len(whole) // 8
        body = whole[:at] + bytes(byte ^ 0xFF for byte in whole[at : at + 100]) + whole[at + 100 :]
        decoded, damage = decoded_body(response(body, content_encoding=coding))
        same = next((n for n, pair in enumerate(zip(decoded, BODY, strict=False)) if pair[0] != pair[1]), len(decoded))
        # A block of zstd is unpacked as a whole.
        assert same > (0 if coding == "zstd" else len(BODY) // 8 - 10_000)
        # Without a checksum, what is damaged may well be unpacked, to something else.
        assert ("damaged or breaks off" in damage) or coding in ("zstd", "deflate")


@pytest.mark.parametrize(
    ("coding", "magic"), [("gzip", b"\x1f\x8b\x07"), ("zstd", b"\x28\xb5\x2f\xfd"), ("br", b""), ("deflate", b"\xff")]
)
def test_what_cannot_be_unpacked_at_all_is_told(coding: str, magic: bytes) -> None:
    body = magic + random.Random(0).randbytes(500)
    assert coding in decoded_body(response(body, content_encoding=coding)).damage


@pytest.mark.parametrize("coding", ["deflate", "br"])
def test_a_text_is_not_taken_for_a_packed_body(coding: str) -> None:
    """Its first letters may be what a packed body could begin with."""
    for first in range(0x20, 0x7F):
        body = bytes([first]) + b"ome words, unpacked when they were stored: " + PAGE
        assert content(body, content_encoding=coding) == body


def test_damage_within_several_codings() -> None:
    inner = gzip.compress(PAGE) + b"\r\n"
    outer = bytes(pa.Codec("brotli").compress(inner, asbytes=True)) + b"\r\n"
    assert content(chunked(outer), transfer_encoding="chunked", content_encoding="gzip, br") == PAGE
    wrong = bytes(pa.Codec("brotli").compress(inner[:-10] + b"12345678\r\n", asbytes=True))
    decoded, damage = decoded_body(response(wrong, content_encoding="gzip, br"))
    assert (decoded, damage[-4:]) == (PAGE, "gzip")


def test_a_gzip_body_of_very_many_members_is_cut_off() -> None:
    started = time.process_time()
    decoded, damage = decoded_body(response(gzip.compress(b"<") * 200_000, content_encoding="gzip"))
    assert time.process_time() - started < 2
    assert decoded == b"<" * 4096
    assert damage


def test_several_codings_and_members() -> None:
    twice = gzip.compress(gzip.compress(BODY))
    assert content(twice, content_encoding="gzip, gzip") == BODY
    members = gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])
    assert content(members, content_encoding="gzip") == BODY
    assert content(chunked(PACKED["br"]), transfer_encoding="chunked", content_encoding="br") == BODY
    assert content(chunked(PACKED["gzip"]), transfer_encoding="gzip, chunked") == BODY


@pytest.mark.parametrize("extension", [b"", b";name=value", b"  "])
def test_chunks(extension: bytes) -> None:
    body = chunked(BODY, extension=extension)
    assert content(body, transfer_encoding="Chunked") == BODY
    cut, damage = decoded_body(response(body[:1500], transfer_encoding="chunked"))
    assert damage == "a page breaks off within its chunks"
    assert BODY.startswith(cut)
    assert len(cut) > 1400
    assert content(body) == body


@pytest.mark.parametrize("body", [b"Add\r\n" + b"x" * 10_000, b"no chunk", b"", b"0\r\n\r\n", b"ffffffff\r\n"])
def test_what_looks_like_chunks_and_is_none(body: bytes) -> None:
    decoded, _ = decoded_body(response(body, transfer_encoding="chunked"))
    assert decoded in (body, b"")


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_bomb_is_cut_off(coding: str) -> None:
    codec = {"br": "brotli", "deflate": "gzip"}.get(coding, coding)
    zeros = b"\0" * (64 << 20)
    bomb = zlib.compress(zeros) if coding == "deflate" else bytes(pa.Codec(codec).compress(zeros, asbytes=True))
    for body in (bomb, raw_deflate(zeros)) if coding == "deflate" else (bomb,):
        decoded = decoded_body(response(body, content_encoding=coding), max_bytes=100_000)
        assert decoded == Decoded(b"\0" * 100_000)


def test_many_codings_are_not_undone() -> None:
    body = BODY
    for _ in range(20):
        body = gzip.compress(body, 1)
    decoded, damage = decoded_body(response(body, content_encoding=",".join(["gzip"] * 20)))
    assert decoded.startswith(b"\x1f\x8b")
    assert damage == "a page has more than 3 codings"
    assert content(gzip.compress(BODY), content_encoding="gzip," + "identity," * 20) == BODY


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"5\r\n", b"ffffffff\r\n", b"0\r\n"]),
    st.sampled_from(["", "chunked", "chunked, gzip", "gzip, chunked", "\0"]),
    st.sampled_from(["", "gzip", "deflate", "br", "zstd", "br, gzip", "deflate,deflate", "\xff"]),
)
def test_any_body_is_decoded(body: bytes, start: bytes, transfer: str, content: str) -> None:
    given = response(start + body, transfer_encoding=transfer, content_encoding=content)
    assert len(decoded_body(given, max_bytes=1000).content) <= 1000


@given(st.binary(max_size=200))
def test_any_block_is_parsed(rest: bytes) -> None:
    assert rest.endswith(parse_response(b"HTTP/1.1" + rest).body)
