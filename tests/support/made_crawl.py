"""A crawl with a columnar index in Common Crawl's layout, made of pages."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from examples.page import Image, Page
from examples.warc_framing import gzip_member
from examples.warc_writer import warc_records

CRAWL = "CC-MAIN-2025-30"
_TABLE = "cc-index/table/cc-main/warc/crawl={}/subset={}/part-{:05d}-5a-c000.gz.parquet"
_WARC = "crawl-data/{0}/segments/1751905933612.63/warc/{0}-20250707183638-{1:05d}.warc.gz"


@dataclass(frozen=True)
class Capture:
    """A page, and what the index says of it."""

    page: Page
    languages: str | None = "eng"
    mime: str = "text/html"
    warc: int = 0


@dataclass(frozen=True)
class MadeCrawl:
    """The crawl's files by their path below the crawl's address, and the rows of its index."""

    files: Mapping[str, bytes]
    rows: Sequence[Mapping[str, Any]]
    index_paths: Sequence[str] = field(default=())

    def write(self, folder: Path) -> str:
        """Writes the files below a folder; returns its path."""
        for path, data in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        return str(folder)


def page(url: str, images: int = 2, filler: int = 0) -> Page:
    """A page with images, each with a text of its own."""
    found = tuple(Image(f"/{number}.jpg", alt=f"picture {number} of {url}") for number in range(images))
    return Page(url, "title " + "x" * filler, found)


def surt(url: str) -> str:
    """The key by which the index is sorted."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return ",".join(reversed(host.split("."))) + ")" + parts.path


def made_crawl(captures: Sequence[Capture], *, index_files: int = 1, group_rows: int = 4, gap: int = 0) -> MadeCrawl:
    """Makes a crawl.

    Args:
        captures: Its pages.
        index_files: Number of Parquet files of the index.
        group_rows: Rows of a row group.
        gap: Bytes of a record that no index names, between two pages of a WARC.
    """
    warcs: dict[str, bytearray] = {}
    rows: list[dict[str, Any]] = []
    for capture in captures:
        name = _WARC.format(CRAWL, capture.warc)
        first, record = warc_records([capture.page], CRAWL)
        warc = warcs.setdefault(name, bytearray(gzip_member(first)))
        warc += gzip_member(
            b"WARC/1.0\r\nWARC-Type: request\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n" % (gap, b"r" * gap), 0
        )
        member = gzip_member(record)
        host = urlsplit(capture.page.url).hostname or ""
        rows.append(
            {
                "url_surtkey": surt(capture.page.url),
                "url": capture.page.url,
                "url_host_name": host,
                "url_host_registered_domain": ".".join(host.split(".")[-2:]),
                "content_mime_detected": capture.mime,
                "content_languages": capture.languages,
                "warc_filename": name,
                "warc_record_offset": len(warc),
                "warc_record_length": len(member),
            }
        )
        warc += member
    rows.sort(key=lambda row: row["url_surtkey"])
    files = {name: bytes(data) for name, data in warcs.items()}
    size = -(-len(rows) // index_files)
    paths = []
    for number in range(index_files):
        paths.append(_TABLE.format(CRAWL, "warc", number))
        files[paths[-1]] = index_file(rows[number * size : (number + 1) * size], group_rows)
    other = _TABLE.format(CRAWL, "crawldiagnostics", 0)
    files[other] = index_file(rows[:1], group_rows)
    listing = "\n".join([other, *paths]) + "\n"
    files[f"crawl-data/{CRAWL}/cc-index-table.paths.gz"] = gzip.compress(listing.encode(), mtime=0)
    return MadeCrawl(files, rows, paths)


def index_file(rows: Sequence[Mapping[str, Any]], group_rows: int) -> bytes:
    """A Parquet file with the types of Common Crawl's."""
    schema = pa.schema(
        [
            *(
                pa.field(name, pa.string())
                for name in (
                    "url_surtkey",
                    "url",
                    "url_host_name",
                    "url_host_registered_domain",
                    "content_mime_detected",
                    "content_languages",
                    "warc_filename",
                )
            ),
            pa.field("warc_record_offset", pa.int32()),
            pa.field("warc_record_length", pa.int32()),
        ]
    )
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(list(rows), schema=schema)
    pq.write_table(table, buffer, compression="gzip", row_group_size=group_rows)
    return buffer.getvalue()
