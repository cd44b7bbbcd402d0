"""The images of a WAT record.

A WAT record is JSON; images are the members of
Envelope.Payload-Metadata.HTTP-Response-Metadata.HTML-Metadata.Links whose path is `IMG@/src`. Typed decoding builds
only the fields that are named here and skips the rest, which is most of a record. What doesn't have the expected
types is decoded again without them, so that one odd link doesn't lose its neighbours.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from metaclip_curate.extract.links import ImageLink, Page
from metaclip_curate.extract.opt_out import opts_out

IMAGE_PATH = "IMG@/src"
_IS_PART_OF = re.compile(rb'isPartOf"?\s*:\s*"?(CC-[\w-]+)')


class _Link(msgspec.Struct):
    path: str = ""
    url: str | None = None
    alt: str | None = None
    title: str | None = None
    data_image_title: str | None = msgspec.field(default=None, name="data-image-title")


class _Meta(msgspec.Struct):
    name: str | None = None
    content: str | None = None


class _Head(msgspec.Struct, rename="pascal"):
    base: str | None = None
    metas: list[_Meta] | None = None


class _Html(msgspec.Struct, rename="pascal"):
    head: _Head | None = None
    links: list[_Link] | None = None


class _Response(msgspec.Struct):
    headers: dict[str, Any] | None = msgspec.field(default=None, name="Headers")
    html: _Html | None = msgspec.field(default=None, name="HTML-Metadata")


class _Payload(msgspec.Struct):
    response: _Response | None = msgspec.field(default=None, name="HTTP-Response-Metadata")


class _Envelope(msgspec.Struct):
    payload: _Payload | None = msgspec.field(default=None, name="Payload-Metadata")


class _Wat(msgspec.Struct):
    envelope: _Envelope | None = msgspec.field(default=None, name="Envelope")


class WatDecoder:
    """Decodes WAT records; one object serves a whole file."""

    def __init__(self) -> None:
        self._typed = msgspec.json.Decoder(_Wat)

    def page(self, body: bytes, page_url: str) -> Page | None:
        """Reads the images of one record.

        Args:
            body: The record's JSON.
            page_url: Its WARC-Target-URI.

        Returns:
            The page, or None where the record names no image.

        Raises:
            ValueError: The body is not JSON.
        """
        if b"IMG@" not in body:
            return None
        try:
            return self._typed_page(self._typed.decode(body), page_url)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _loose_page(_parse(body), page_url)

    @staticmethod
    def _typed_page(wat: _Wat, page_url: str) -> Page | None:
        payload = wat.envelope and wat.envelope.payload
        response = payload and payload.response
        html = response and response.html
        if not response or not html or not html.links:
            return None
        links = [
            ImageLink(link.url or "", link.alt or "", link.title or "", link.data_image_title or "")
            for link in html.links
            if link.path == IMAGE_PATH
        ]
        if not links:
            return None
        head = html.head or _Head()
        metas = [(meta.name, meta.content) for meta in head.metas or () if meta.name and meta.content]
        return Page(page_url, head.base or "", opts_out(metas, _headers(response.headers)), links)


def crawl_of_warcinfo(body: bytes) -> str:
    """Finds the crawl's name (isPartOf) in a warcinfo record or in a WAT's copy of one, which is JSON.

    Args:
        body: The record's block.

    Returns:
        Such as CC-MAIN-2014-35; empty where the record doesn't name a crawl.
    """
    found = _IS_PART_OF.search(body)
    return found.group(1).decode() if found else ""


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8", "replace"), strict=False)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _loose_page(wat: Any, page_url: str) -> Page | None:
    """The same as `_typed_page` for JSON of any shape; a value of another type counts as missing."""
    payload = _member(_member(wat, "Envelope"), "Payload-Metadata")
    response = _member(payload, "HTTP-Response-Metadata")
    html = _member(response, "HTML-Metadata")
    head = _member(html, "Head")
    links = [
        ImageLink(
            _text(link.get("url")),
            _text(link.get("alt")),
            _text(link.get("title")),
            _text(link.get("data-image-title")),
        )
        for link in _objects(html.get("Links"))
        if link.get("path") == IMAGE_PATH
    ]
    if not links:
        return None
    metas = [(_text(meta.get("name")), _text(meta.get("content"))) for meta in _objects(head.get("Metas"))]
    opted_out = opts_out(metas, _headers(_member(response, "Headers")))
    return Page(page_url, _text(head.get("Base")), opted_out, links)


def _headers(headers: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Lists header values; one that was sent several times may stand as a list."""
    pairs: list[tuple[str, str]] = []
    for name, value in (headers or {}).items():
        values = value if isinstance(value, list) else [value]
        pairs.extend((name, item) for item in values if isinstance(item, str))
    return pairs


def _member(value: Any, key: str) -> dict[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
