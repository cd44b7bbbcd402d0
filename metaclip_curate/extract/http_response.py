"""The block of a WARC response record: an HTTP message as the server sent it, or as a crawler rewrote it.

Common Crawl stores bodies unchunked and unpacked. Newer crawls rename the headers that said otherwise to
X-Crawler-Content-Encoding and X-Crawler-Transfer-Encoding, older ones left them as they were; other crawlers store what
came over the wire. So a header that names a coding is believed only when the body looks like it. HTTP: RFC 9110, 9112.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

import pyarrow as pa

# Blocks longer than this in their unpacked form are cut off: a browser shows what it has as well.
MAX_BODY_BYTES = 32 << 20

_STATUS_LINE = re.compile(rb"[\r\n]*HTTP/\d")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?(\r?\n)")
_MARKUP = re.compile(rb"\s*<[!?/A-Za-z]")
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# A browser undoes them all; more than a few are only meant to exhaust who does.
_MAX_CODINGS = 3
# What is lost at most where a packed body breaks off.
_UNPACK_STEP = 1024


@dataclass(frozen=True)
class HttpResponse:
    """A response without its status line.

    Attributes:
        headers: Names in lower case and values, in their order, repeated ones as often as they were sent.
        body: What follows the headers, as stored.
    """

    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The first value of a header by its name in lower case; empty where there is none."""
        return next((value for key, value in self.headers if key == name), "")


def parse_response(block: bytes) -> HttpResponse:
    """Splits an HTTP response into its headers and its body.

    The length that the headers tell is ignored: rewritten bodies have another one.

    Args:
        block: The block of a response record of content type application/http.

    Returns:
        The response. Without an empty line all is header and the body is empty.

    Raises:
        ValueError: The block doesn't start with an HTTP status line.
    """
    start = _STATUS_LINE.match(block)
    if start is None:
        raise ValueError("no HTTP response: the block doesn't start with a status line")
    end = _HEADER_END.search(block, start.end())
    head, body = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    headers: list[tuple[str, str]] = []
    for line in head.decode("latin-1").split("\n")[1:]:
        if line[:1] in (" ", "\t") and headers:
            # A value that goes on in the next line, which RFC 9112 no longer allows.
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name.strip().lower(), value.strip()))
    return HttpResponse(headers, body)


def decoded_body(response: HttpResponse, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Undoes chunked, gzip, deflate, br and zstd as far as the body still has them.

    Args:
        response: Its headers Transfer-Encoding and Content-Encoding name the codings.
        max_bytes: The result is cut off here, and nothing longer is ever held.

    Returns:
        The content. Of a body that is damaged or cut off, what could be unpacked; a body that isn't coded the way its
        headers say, as it is.
    """
    body = response.body
    transfer = _codings(response, "transfer-encoding")
    if "chunked" in transfer:
        body = _unchunked(body)
    for coding in [*reversed(transfer), *reversed(_codings(response, "content-encoding"))]:
        body = _unpacked(body, coding, max_bytes)
    return body[:max_bytes]


def _codings(response: HttpResponse, name: str) -> list[str]:
    values = (value for key, value in response.headers if key == name)
    return [coding.strip().lower() for value in values for coding in value.split(",")][:_MAX_CODINGS]


def _unchunked(body: bytes) -> bytes:
    """Joins the chunks; what has no chunk's size at its start is returned as it is."""
    chunks: list[bytes] = []
    position = 0
    while size_line := _CHUNK_SIZE.match(body, position):
        size = int(size_line[1], 16)
        if size == 0:
            break
        start = size_line.end()
        position = start + size
        # In a body that was unchunked already, a first word such as "Add" is no size.
        if not chunks and position < len(body) and not body.startswith(size_line[2], position):
            return body
        chunks.append(body[start:position])
        position += len(size_line[2])
    return b"".join(chunks) if chunks else body


def _unpacked(body: bytes, coding: str, max_bytes: int) -> bytes:
    """Undoes one coding; a body that hasn't got it is returned as it is."""
    if coding in ("gzip", "x-gzip") and body.startswith(_GZIP_MAGIC):
        return _read(body, "gzip", max_bytes)
    if coding == "zstd" and body.startswith(_ZSTD_MAGIC):
        return _read(body, "zstd", max_bytes)
    # The other two have no magic bytes.
    if coding == "br" and not _MARKUP.match(body):
        return _read(body, "brotli", max_bytes)
    if coding == "deflate" and not _MARKUP.match(body):
        return _read(body, "gzip", max_bytes) if _has_zlib_header(body) else _inflated(body, max_bytes)
    return body


def _has_zlib_header(body: bytes) -> bool:
    """Whether a zlib stream starts here (RFC 1950, section 2.2), which is what deflate means in HTTP."""
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _read(body: bytes, codec: str, max_bytes: int) -> bytes:
    """Unpacks step by step, so that the size is bounded and damage costs only what follows it.

    Arrow's "gzip" reads the gzip and the zlib format, and several members in a row.
    """
    pieces: list[bytes] = []
    size = 0
    try:
        stream = pa.CompressedInputStream(pa.BufferReader(body), codec)
        while size < max_bytes and (piece := stream.read(_UNPACK_STEP)):
            pieces.append(piece)
            size += len(piece)
    except OSError:
        pass  # damaged or cut off; without any piece it never was what the header says
    return b"".join(pieces) if pieces else body


def _inflated(body: bytes, max_bytes: int) -> bytes:
    """Undoes deflate without zlib's header, which some servers send."""
    try:
        return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(body, max_bytes) or body
    except zlib.error:
        return body
