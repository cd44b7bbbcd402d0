"""The block of a WARC response record: an HTTP message as the server sent it, or as the crawler rewrote it.

Common Crawl stores bodies unchunked and decompressed. Newer crawls rename the headers of the removed codings to
X-Crawler-Content-Encoding and X-Crawler-Transfer-Encoding, older ones kept their names, and other crawlers store the
bytes as they were transferred. A coding is therefore undone only if the body looks like it. HTTP: RFC 9110, RFC 9112.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

# Longer decompressed bodies are cut off here. A browser shows the part that it has, too.
MAX_BODY_BYTES = 32 << 20
# More than browsers accept, which is a few hundred kilobytes.
MAX_HEAD_BYTES = 2 << 20

_STATUS_LINE = re.compile(rb"[\r\n]*HTTP/\d[^ \t\r\n]*[ \t]*(\d*)")
_INTERIM_STATUS = re.compile(rb"1\d\d")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?(\r?\n)")
_MARKUP = re.compile(rb"\s*<[!?/A-Za-z]")
# Bytes that no text has (MIME sniffing standard, "binary data byte"). Nearly every compressed body begins with some.
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_SNIFFED_BYTES = 1445
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
# Browsers undo all codings. More than a few serve only to exhaust the client.
_MAX_CODINGS = 3
# Upper bound of the members of a gzip body, since starting on one takes more time than a short one.
_MAX_MEMBERS = 1 << 12
# Bytes that zlib decompresses at a time, to at most a thousand times as many.
_INPUT_BYTES = 1 << 12
_UNPACK_STEP = 1 << 10
_DRIPPING_BYTES = 64


@dataclass(frozen=True)
class HttpResponse:
    """A response without its status line.

    Attributes:
        headers: Names in lower case and values, in the order of the response. Repeated headers are repeated.
        body: Bytes after the headers, as stored.
    """

    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Returns the first value of a header; empty if there is none.

        Args:
            name: Name in lower case.
        """
        return next((value for key, value in self.headers if key == name), "")


class Decoded(NamedTuple):
    """A body without its codings.

    Attributes:
        content: The part that could be decoded.
        damage: Description of the damage to the rest; empty if there is none.
    """

    content: bytes
    damage: str = ""


def media_type(value: str) -> str:
    """Returns a media type, such as text/html, in lower case and without parameters.

    Args:
        value: Value of a Content-Type field; may be empty.
    """
    return value.partition(";")[0].strip().lower()


def parse_response(block: bytes) -> HttpResponse:
    """Splits an HTTP response into its headers and its body.

    Interim responses (1xx) before the final one are skipped. The Content-Length is ignored, since rewritten bodies have
    another length.

    Args:
        block: Block of a response record with content type application/http.

    Returns:
        The response. If there is no empty line, everything is header and the body is empty.

    Raises:
        ValueError: The block doesn't start with an HTTP status line, or has more than MAX_HEAD_BYTES of headers.
    """
    start = _STATUS_LINE.match(block)
    if start is None:
        raise ValueError("no HTTP response: the block doesn't start with a status line")
    end = _HEADER_END.search(block, start.end())
    while end and _INTERIM_STATUS.fullmatch(start[1]) and (following := _STATUS_LINE.match(block, end.end())):
        start = following
        end = _HEADER_END.search(block, start.end())
    head_end, body_start = (end.start(), end.end()) if end else (len(block), len(block))
    if head_end - start.start() > MAX_HEAD_BYTES:
        raise ValueError(f"an HTTP response with more than {MAX_HEAD_BYTES} bytes of headers")
    # A value may continue on the next line, which RFC 9112 no longer allows.
    head = _FOLD.sub(" ", block[start.end() : head_end].decode("latin-1"))
    fields = (line.partition(":") for line in head.split("\n")[1:])
    headers = [(name.strip().lower(), value.strip()) for name, colon, value in fields if colon]
    return HttpResponse(headers, block[body_start:])


def decoded_body(response: HttpResponse, max_bytes: int = MAX_BODY_BYTES) -> Decoded:
    """Undoes the codings chunked, gzip, deflate, br and zstd if the body still has them.

    Args:
        response: Response whose headers Transfer-Encoding and Content-Encoding have the codings.
        max_bytes: Length at which the result is cut off. Nothing longer is ever held in memory.

    Returns:
        The content; the decodable part if the body is damaged or cut off; the body as it is if it doesn't have the
        codings of its headers. Bytes after a compressed body are ignored, as by browsers.
    """
    body, damage = response.body, ""
    transfer, content = _codings(response, "transfer-encoding"), _codings(response, "content-encoding")
    if "chunked" in transfer:
        transfer.remove("chunked")
        body, whole = _unchunked(body)
        damage = "" if whole else "a page breaks off within its chunks"
    codings = [*reversed(transfer), *reversed(content)]
    for coding in codings[:_MAX_CODINGS]:
        body, whole = _unpacked(body, coding, max_bytes)
        damage = damage or ("" if whole else f"a page's body is damaged or breaks off within its coding {coding}")
    if len(codings) > _MAX_CODINGS:
        damage = damage or f"a page has more than {_MAX_CODINGS} codings"
    return Decoded(body[:max_bytes], damage)


def _codings(response: HttpResponse, name: str) -> list[str]:
    values = (value for key, value in response.headers if key == name)
    codings = (media_type(coding) for value in values for coding in value.split(","))
    return [coding for coding in codings if coding not in ("", "identity")]


def _unchunked(body: bytes) -> tuple[bytes, bool]:
    """Joins the chunks, and returns whether the last one exists. A body without a chunk's size stays as it is."""
    joined = bytearray()
    position = 0
    while size_line := _CHUNK_SIZE.match(body, position):
        size = int(size_line[1], 16)
        start, end = size_line.end(), size_line.end() + size
        if size == 0:
            return (bytes(joined) if position else body), True
        # If a body was unchunked already, a first word such as "Add" isn't a size.
        if not position and end < len(body) and not body.startswith(size_line[2], end):
            return body, True
        joined += body[start:end]
        position = end + len(size_line[2])
    return (bytes(joined), False) if position else (body, True)


def _unpacked(body: bytes, coding: str, max_bytes: int) -> tuple[bytes, bool]:
    """Undoes one coding, and returns whether it was whole. A body without the coding stays as it is."""
    if coding in ("gzip", "x-gzip") and body.startswith(_GZIP_MAGIC):
        content, whole = _inflated(body, _GZIP_WINDOW, max_bytes)
    elif coding == "zstd" and body.startswith(_ZSTD_MAGIC):
        content, whole = _read(body, "zstd", max_bytes)
    # The other two have no magic bytes.
    elif coding == "br" and not _MARKUP.match(body):
        content, whole = _read(body, "brotli", max_bytes)
    elif coding in ("deflate", "x-deflate") and not _MARKUP.match(body):
        content, whole = _undeflated(body, max_bytes)
    else:
        return body, True
    if whole or (content and _is_binary(body)):
        return content, whole
    # Nothing could be decompressed, or the body is a text whose first bytes look compressed by chance.
    return body, not _is_binary(body)


def _is_binary(body: bytes) -> bool:
    return _BINARY.search(body, 0, _SNIFFED_BYTES) is not None


def _undeflated(body: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """Undoes deflate, which in HTTP is a zlib stream (RFC 1950); some servers omit its header."""
    if len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0:
        content, whole = _inflated(body, zlib.MAX_WBITS, max_bytes)
        if content:
            return content, whole
    content, whole = _inflated(body, -zlib.MAX_WBITS, max_bytes)
    # A text's first letters may be a valid stream of a few bytes by chance.
    return content, whole and 2 * len(content) > len(body)


def _inflated(body: bytes, window: int, max_bytes: int) -> tuple[bytes, bool]:
    """Decompresses one stream, or all members of gzip; returns whether it was whole or reached the limit."""
    pieces: list[bytes] = []
    size = at = members = 0
    unpacker = zlib.decompressobj(window)
    while at < len(body) and size < max_bytes:
        packed = body[at : at + _INPUT_BYTES]
        before = unpacker.copy()
        try:
            piece = unpacker.decompress(packed)
        except zlib.error:
            return b"".join([*pieces, *_before_damage(before, packed)]), False
        pieces.append(piece)
        size += len(piece)
        at += len(packed) - len(unpacker.unused_data)
        if unpacker.eof:
            members += 1
            if window != _GZIP_WINDOW or not body.startswith(_GZIP_MAGIC, at):
                return b"".join(pieces), True
            if members == _MAX_MEMBERS:
                return b"".join(pieces), False
            unpacker = zlib.decompressobj(window)
    return b"".join(pieces), size >= max_bytes or unpacker.eof


def _before_damage(unpacker: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """Decompresses byte by byte, since an error loses the output of the whole call."""
    for at in range(len(packed)):
        try:
            yield unpacker.decompress(packed[at : at + 1])
        except zlib.error:
            return


def _read(body: bytes, codec: str, max_bytes: int) -> tuple[bytes, bool]:
    """Decompresses by one of Arrow's codecs; returns whether the stream was whole or reached the limit."""
    content, whole = _steps(io.BytesIO(body), codec, max_bytes)
    if whole:
        return content, True
    # Arrow takes bytes after a stream for another one. These may be line ends.
    stripped = body.rstrip(b"\r\n")
    if stripped != body:
        content, whole = _steps(io.BytesIO(stripped), codec, max_bytes)
        if whole:
            return content, True
    content, _ = _steps(_Dripping(body), codec, max_bytes)
    return _steps(_Dripping(body), codec, max_bytes, len(content), 1)


class _Dripping(io.BytesIO):
    """Returns a few bytes at a time, since Arrow returns nothing of a read that has damage in it."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns fewer bytes than requested."""
        return super().read(_DRIPPING_BYTES)


def _steps(
    source: io.BytesIO, codec: str, max_bytes: int, first: int = 0, step: int = _UNPACK_STEP
) -> tuple[bytes, bool]:
    """Decompresses `first` bytes and then in small steps, so that the size is bounded and damage costs one step."""
    pieces: list[bytes] = []
    size = 0
    try:
        stream = pa.CompressedInputStream(source, codec)
        while size < max_bytes and (piece := stream.read(step if size or not first else first)):
            pieces.append(piece)
            size += len(piece)
    except OSError:
        return b"".join(pieces), False
    return b"".join(pieces), True
