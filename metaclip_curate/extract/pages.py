"""Reads pages from the records of WAT and WARC files."""

from __future__ import annotations

from metaclip_curate.extract.entities import decode_attribute, has_raw_entities
from metaclip_curate.extract.html import page_of_response
from metaclip_curate.extract.http_response import media_type
from metaclip_curate.extract.links import ImageLink, Page
from metaclip_curate.extract.records import Bytes, Record
from metaclip_curate.extract.wat import WatDecoder, crawl_of_warcinfo

# The warcinfo is searched again for each record before the first page.
_MOST_WARCINFO_BYTES = 1 << 16


class PageReader:
    """Reads pages from records; one object serves a whole file.

    Args:
        crawl: Name of the crawl according to the file's path; empty if unknown.

    Attributes:
        crawl: Name of the crawl; if the path doesn't have it, the one in the file's first records.
        has_pages: Whether a record of a kind that describes a page was read.
    """

    def __init__(self, crawl: str) -> None:
        self.crawl = crawl
        self.has_pages = False
        self._decoder = WatDecoder()
        self._warcinfo = b""
        self._raw_entities = False

    def read(self, record: Record) -> Page | None:
        """Reads the page that a record describes.

        Args:
            record: A record of any kind.

        Returns:
            The page; None if the record doesn't describe one.

        Raises:
            ValueError: The record is damaged.
        """
        headers = record.headers
        kind, content_type = headers.get("warc-type", "").lower(), media_type(headers.get("content-type", ""))
        if not self.has_pages:
            self._learn(kind, record.body)
        if kind == "metadata" and (not content_type or "json" in content_type):
            self.has_pages = True
            page = self._decoder.page(record.body, _target(headers))
            return _decoded(page) if page is not None and self._raw_entities else page
        if kind == "response" and content_type == "application/http":
            self.has_pages = True
            payload_type = headers.get("warc-identified-payload-type", "")
            return page_of_response(bytes(record.body), _target(headers), payload_type)
        return None

    def _learn(self, kind: str, body: Bytes) -> None:
        """Takes the crawl's name and the extractor from the warcinfo before the first page, or a WAT's copy of it."""
        if kind not in ("warcinfo", "metadata"):
            return
        if kind == "warcinfo" and not self._warcinfo:
            self._warcinfo = bytes(body[:_MOST_WARCINFO_BYTES])
        self.crawl = self.crawl or crawl_of_warcinfo(body)
        self._raw_entities = has_raw_entities(self._warcinfo, self.crawl)


def _target(headers: dict[str, str]) -> str:
    """Returns the URL of a record's page, which wget puts between < and >."""
    url = headers.get("warc-target-uri", "")
    return url[1:-1] if url.startswith("<") and url.endswith(">") else url


def _decoded(page: Page) -> Page:
    links = [
        ImageLink(*map(decode_attribute, (link.url, link.alt, link.title, link.data_image_title)))
        for link in page.links
    ]
    return page._replace(
        base=decode_attribute(page.base),
        links=links,
        language=decode_attribute(page.language),
        license_links=tuple(map(decode_attribute, page.license_links)),
    )
