"""Writes WAT files shaped like Common Crawl's, quickly and reproducibly.

A WAT describes a WARC: a warcinfo record, then for each WARC record a `metadata` record whose block
is one JSON object. Field names, their order and the escaping of slashes are those of Common Crawl's
extractor (ia-web-commons) since 2018, or with `old_extractor` of 2014. Lengths, offsets, checksums
and digests are plausible and reproducible, but not those of an existing WARC.
"""

import base64
import hashlib
import html
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from examples.page import Anchor, Image, Page
from examples.warc_framing import gzip_member, record_id, warc_record, write_records

__all__ = ["Anchor", "Image", "Page", "wat_members", "wat_records", "write_wat"]

DEFAULT_CRAWL = "CC-MAIN-2025-30"
FILE_DATE = "2025-07-12T00:00:00Z"  # of the warcinfo record; fixed, since no clock is read


def write_wat(
    path: Path | str,
    pages: Iterable[Page],
    crawl: str = DEFAULT_CRAWL,
    compression_level: int = 6,
) -> None:
    """Writes a WAT: one gzip member a record if the name ends in .gz, else uncompressed.

    Args:
        path: File to write. Its folder must exist.
        pages: Pages, taken one at a time.
        crawl: Name of the crawl, for the warcinfo's isPartOf.
        compression_level: zlib's level, 0 to 9.
    """
    write_records(path, wat_records(pages, crawl), compression_level)


def wat_members(pages: Iterable[Page], crawl: str = DEFAULT_CRAWL, compression_level: int = 6) -> Iterator[bytes]:
    """Yields the gzip members of a WAT, for tests that damage one of them."""
    for record in wat_records(pages, crawl):
        yield gzip_member(record, compression_level)


def wat_records(
    pages: Iterable[Page],
    crawl: str = DEFAULT_CRAWL,
    *,
    with_requests: bool = False,
    old_extractor: bool = False,
) -> Iterator[bytes]:
    """Yields the uncompressed records of a WAT.

    Args:
        pages: Pages of the WARC that it describes, in order.
        crawl: Name of the crawl, for isPartOf and the WARC's file name.
        with_requests: Whether to describe each page's request too, as Common Crawl's WATs do.
        old_extractor: Whether to write as in 2014: plain slashes, Envelope before Container, and
            undecoded character references in texts and URLs (`&amp;` for `&`).

    Yields:
        The warcinfo record, the metadata record about the WARC's warcinfo, then those of each page.
    """
    warc_name = f"{crawl}-00000.warc.gz"
    yield _warcinfo(warc_name, crawl)
    offset = 0
    for described in _described_records(pages, warc_name, crawl, with_requests, old_extractor):
        yield _metadata_record(described, _container(warc_name, offset, described), old_extractor)
        offset += described.length


class _Described(NamedTuple):
    """The description of a WARC record in a WAT."""

    target: str
    date: str
    record_id: str
    length: int  # of the compressed WARC record
    envelope: dict[str, object]


def _described_records(
    pages: Iterable[Page], warc_name: str, crawl: str, with_requests: bool, old_extractor: bool
) -> Iterator[_Described]:
    yield _described_warcinfo(warc_name, crawl)
    for page in pages:
        if with_requests:
            yield _described_request(page)
        yield _described_response(page, old_extractor)


def _warcinfo(warc_name: str, crawl: str) -> bytes:
    wat_name = warc_name.replace(".warc.gz", ".warc.wat.gz")
    about = (
        "Software-Info: metaclip_curate examples.wat_writer\r\n"
        f"Extracted-Date: {FILE_DATE}\r\n"
        f"isPartOf: {crawl}\r\n\r\n"
    )
    return warc_record(
        [
            ("WARC-Type", "warcinfo"),
            ("WARC-Date", FILE_DATE),
            ("WARC-Filename", wat_name),
            ("WARC-Record-ID", record_id("warcinfo", wat_name)),
            ("Content-Type", "application/warc-fields"),
        ],
        about.encode(),
    )


def _metadata_record(described: _Described, container: dict[str, object], old_extractor: bool) -> bytes:
    """Returns one JSON object in its frame, which refers to the WARC record that it describes."""
    envelope = described.envelope
    if old_extractor:
        block = _json({"Envelope": {**envelope, "Format": "WARC"}, "Container": container})
    else:
        # A slash occurs only in JSON strings, where \\/ means the same.
        block = _json({"Container": container, "Envelope": envelope}).replace(b"/", b"\\/")
    return warc_record(
        [
            ("WARC-Type", "metadata"),
            ("WARC-Target-URI", described.target),
            ("WARC-Date", described.date),
            ("WARC-Record-ID", record_id("metadata", described.record_id)),
            ("WARC-Refers-To", described.record_id),
            ("Content-Type", "application/json"),
        ],
        block,
    )


def _container(warc_name: str, offset: int, described: _Described) -> dict[str, object]:
    return {
        "Filename": warc_name,
        "Compressed": True,
        "Offset": str(offset),
        "Gzip-Metadata": {
            "Deflate-Length": str(described.length),
            "Header-Length": "10",
            "Footer-Length": "8",
            "Inflated-CRC": str(zlib.crc32(described.record_id.encode()) - 2**31),
            "Inflated-Length": str(4 * described.length),
        },
    }


def _described_warcinfo(warc_name: str, crawl: str) -> _Described:
    identifier = record_id("warcinfo", warc_name)
    envelope: dict[str, object] = {
        "Payload-Metadata": {
            "Actual-Content-Type": "application/warc-fields",
            "Headers-Corrupt": True,
            "WARC-Info-Metadata": {"isPartOf": crawl, "format": "WARC File Format 1.0"},
        },
        "Format": "WARC/1.0",
        "WARC-Header-Metadata": {
            "WARC-Type": "warcinfo",
            "WARC-Record-ID": identifier,
            "WARC-Filename": warc_name,
            "WARC-Date": FILE_DATE,
            "Content-Type": "application/warc-fields",
        },
    }
    return _Described(warc_name, FILE_DATE, identifier, 500, envelope)


def _described_request(page: Page) -> _Described:
    identifier = record_id("request", page.url, page.date)
    host, _, path = page.url.partition("://")[2].partition("/")
    envelope: dict[str, object] = {
        "Payload-Metadata": {
            "Actual-Content-Type": "application/http; msgtype=request",
            "HTTP-Request-Metadata": {
                "Request-Message": {"Method": "GET", "Path": f"/{path}", "Version": "HTTP/1.1"},
                "Headers": {"User-Agent": "CCBot/2.0 (https://commoncrawl.org/faq/)", "Host": host},
            },
        },
        "Format": "WARC/1.0",
        "WARC-Header-Metadata": {
            "WARC-Type": "request",
            "WARC-Date": page.date,
            "WARC-Record-ID": identifier,
            "WARC-Target-URI": page.url,
            "Content-Type": "application/http; msgtype=request",
        },
    }
    return _Described(page.url, page.date, identifier, 420, envelope)


def _described_response(page: Page, old_extractor: bool) -> _Described:
    identifier = record_id("response", page.url, page.date)
    metadata = _json(_html_metadata(page, old_extractor))
    digest = "sha1:" + base64.b32encode(hashlib.sha1(metadata).digest()).decode()
    size = str(3 * len(metadata))  # a page has about three times the bytes of its description in a WAT
    envelope: dict[str, object] = {
        "Payload-Metadata": {
            "Actual-Content-Type": "application/http; msgtype=response",
            "HTTP-Response-Metadata": {
                "Response-Message": {"Status": "200", "Version": "HTTP/1.1", "Reason": "OK"},
                "Headers": {
                    "Content-Type": "text/html; charset=utf-8",
                    "Content-Length": size,
                    **dict(page.headers),
                },
                "HTML-Metadata": msgspec.Raw(metadata),
                "Entity-Length": size,
                "Entity-Digest": digest,
            },
            "Actual-Content-Length": size,
            "Trailing-Slop-Length": "4",
        },
        "Format": "WARC/1.0",
        "WARC-Header-Metadata": {
            "WARC-Type": "response",
            "WARC-Date": page.date,
            "WARC-Record-ID": identifier,
            "WARC-Target-URI": page.url,
            "WARC-Payload-Digest": digest,
            "Content-Type": "application/http; msgtype=response",
            "Content-Length": size,
        },
    }
    return _Described(page.url, page.date, identifier, len(metadata), envelope)


def _html_metadata(page: Page, old_extractor: bool) -> dict[str, object]:
    metas = [("HTML@/lang", page.lang)] if page.lang else []
    head: dict[str, object] = {}
    if page.base is not None:
        head["Base"] = page.base
    if metas or page.metas:
        head["Metas"] = [{"name": name, "content": content} for name, content in (*metas, *page.metas)]
    head["Title"] = page.title
    if page.stylesheets:
        head["Link"] = [{"path": "LINK@/href", "url": url, "rel": "stylesheet"} for url in page.stylesheets]
    if page.scripts:
        head["Scripts"] = [{"path": "SCRIPT@/src", "url": url} for url in page.scripts]
    images = [_without_payload(image) for image in page.images]
    if old_extractor:
        images = [_unresolved(image) for image in images]
    return {"Head": head, "Links": [*images, *page.links]}


def _without_payload(image: Image) -> Image:
    """Cuts a data: URL after its media type, like the extractor, so that a WAT never has the image."""
    if image.src[:5].lower() != "data:":
        return image
    media_type, comma, _ = image.src.partition(",")
    return Image(media_type + comma, image.alt, image.title)


def _unresolved(image: Image) -> Image:
    """Returns attributes as they are in the page's source, with character references."""
    alt, title = (None if text is None else html.escape(text, quote=False) for text in (image.alt, image.title))
    return Image(html.escape(image.src, quote=False), alt, title)


def _json(value: object) -> bytes:
    """Encodes a value as compact JSON in UTF-8, with escapes for lone surrogates."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # backslashreplace encodes a surrogate as \udXXX, which is JSON's escape too.
        plain = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
        return plain.encode("utf-8", "backslashreplace")
