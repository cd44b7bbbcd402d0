"""The images of a WAT record.

A WAT record is JSON, in which images are the elements of
Envelope.Payload-Metadata.HTTP-Response-Metadata.HTML-Metadata.Links whose path is `IMG@/src`. Typed decoding builds
only the fields that are declared here and skips the rest, which is most of a record. A record with unexpected types is
decoded again without types, so that one odd link doesn't lose its neighbours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union

import msgspec

from metaclip_curate.extract.links import ImageLink, Page
from metaclip_curate.extract.opt_out import may_opt_out, opts_out
from metaclip_curate.extract.page_facts import LICENSE_MARK, is_license_link
from metaclip_curate.extract.records import Bytes

# The crawl's name is in every row, so a longer string isn't accepted as one.
_IS_PART_OF = re.compile(rb'isPartOf"?\s*:\s*"?(CC-[\w-]{1,64})(?![\w-])')
# Most links aren't images. Links of these kinds are decoded to an object without fields, which saves a third of a
# record's time. A record with a link of any other kind is decoded without types: the list only affects speed.
_OTHER_KINDS = """
    A@/data-href A@/href APPLET@/codebase AREA@/href AUDIO@/src BGSOUND@/src BLOCKQUOTE@/cite BODY@/background
    BUTTON@/data-href BUTTON@/formaction DEL@/cite DIV@/background DIV@/data-href EMBED@/src FORM@/action
    FRAME@/longdesc FRAME@/src IFRAME@/longdesc IFRAME@/src IMG@/longdesc IMG@/lowsrc INPUT@/formaction INPUT@/onclick
    INPUT@/src INS@/cite LI@/data-href LINK@/data-href LINK@/href META@/content OBJECT@/classid OBJECT@/codebase
    OBJECT@/data Q@/cite SCRIPT@/src SOURCE@/src SPAN@/data-href STYLE/#text STYLE@/data-href TABLE@/background
    TD@/background TD@/data-href TH@/background TR@/background TR@/data-href TRACK@/src VIDEO@/poster VIDEO@/src
"""
_IMAGE_MARK = b"IMG@"
_HTML_MARK = b'"HTML-Metadata"'
_LANGUAGE_META = "HTML@/lang"
_SMALL_BYTES = 1 << 12
# As Python objects, JSON takes up to 30 times its length; typed decoding creates none for the fields it skips.
_MOST_LOOSE_BYTES = 1 << 23
IMAGE_PATH = str(ImageLink.__struct_config__.tag)
# Upper bounds of the cache of names, and names with contents, that don't opt out.
_MOST_HARMLESS = 1 << 14
_MOST_CHARACTERS = 200


def _other_link(kind: str) -> type[msgspec.Struct]:
    return msgspec.defstruct(f"Other {kind}", [], gc=False, tag_field="path", tag=kind)


if TYPE_CHECKING:
    _Link = ImageLink | msgspec.Struct
else:
    _Link = Union[(ImageLink, *map(_other_link, _OTHER_KINDS.split()))]


_L = TypeVar("_L")


class _Meta(msgspec.Struct, gc=False):
    name: str = ""
    content: str = ""


class _Head(msgspec.Struct, rename="pascal", gc=False):
    base: str = ""
    metas: list[_Meta] = msgspec.field(default_factory=list)


# The envelope of a record, whose links are decoded to one type or another.
class _Html(msgspec.Struct, Generic[_L], gc=False):
    links: list[_L] = msgspec.field(default_factory=list, name="Links")
    head: _Head = msgspec.field(default_factory=_Head, name="Head")


class _Response(msgspec.Struct, Generic[_L], gc=False):
    headers: dict[str, str | list[str]] = msgspec.field(default_factory=dict, name="Headers")
    html: _Html[_L] | None = msgspec.field(default=None, name="HTML-Metadata")


class _Payload(msgspec.Struct, Generic[_L], gc=False):
    response: _Response[_L] = msgspec.field(default_factory=_Response, name="HTTP-Response-Metadata")


class _Envelope(msgspec.Struct, Generic[_L], gc=False):
    payload: _Payload[_L] = msgspec.field(default_factory=_Payload, name="Payload-Metadata")


class _Wat(msgspec.Struct, Generic[_L], gc=False):
    envelope: _Envelope[_L] = msgspec.field(default_factory=_Envelope, name="Envelope")


class _RelLink(msgspec.Struct, gc=False):
    url: str = ""
    rel: str = ""


class WatDecoder:
    """Decodes the WAT records of one file."""

    def __init__(self) -> None:
        self._typed = msgspec.json.Decoder(_Wat[_Link])
        self._rels = msgspec.json.Decoder(_Wat[_RelLink])
        # Caches, since nearly all repeat: names of headers and metas that can't opt out, and metas with other names
        # whose content doesn't.
        self._harmless: set[str] = set()
        self._harmless_metas: set[tuple[str, str]] = set()

    def page(self, body: Bytes, page_url: str) -> Page | None:
        """Reads the images of one record.

        Args:
            body: The record's JSON.
            page_url: The record's WARC-Target-URI.

        Returns:
            The page, or None if the record doesn't describe one. Of a page without images only the URL is read.

        Raises:
            ValueError: The body isn't JSON, or is too large to be decoded without types.
        """
        # Searching a record takes half the time of decoding it, so only small ones, mostly requests, are.
        if len(body) < _SMALL_BYTES and _IMAGE_MARK not in body:
            return _page_without_images(body, page_url)
        try:
            return self._typed_page(body, page_url)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            if _IMAGE_MARK in body:
                return _loose_page(_parse(body), page_url)
            return _page_without_images(body, page_url)

    def _typed_page(self, body: Bytes, page_url: str) -> Page | None:
        response = self._typed.decode(body).envelope.payload.response
        html = response.html
        if html is None:
            return None
        links = [link for link in html.links if type(link) is ImageLink]
        if not links:
            return Page(page_url, "", False, links)
        metas = html.head.metas
        language = next((meta.content for meta in metas if meta.name == _LANGUAGE_META), "")
        licenses = self._license_links(body) if LICENSE_MARK in body else ()
        opted_out = self._opts_out(metas, response.headers)
        return Page(page_url, html.head.base, opted_out, links, language, licenses)

    def _license_links(self, body: Bytes) -> tuple[str, ...]:
        """Decodes the record once more, since other links' attributes are skipped the first time."""
        html = self._rels.decode(body).envelope.payload.response.html
        links = html.links if html else ()
        return tuple(link.url for link in links if link.rel and is_license_link(link.rel))

    def _opts_out(self, metas: list[_Meta], headers: dict[str, str | list[str]]) -> bool:
        harmless, harmless_metas = self._harmless, self._harmless_metas
        candidates = [
            entry
            for meta in metas
            if meta.name not in harmless
            and self._may_opt_out(meta.name)
            and (entry := (meta.name, meta.content)) not in harmless_metas
        ]
        candidate_headers: dict[str, str | list[str]] = {}
        if not harmless.issuperset(headers):
            candidate_headers = {name: value for name, value in headers.items() if self._may_opt_out(name)}
        if not candidates and not candidate_headers:
            return False
        if opts_out(candidates, _headers(candidate_headers)):
            return True
        if len(harmless_metas) < _MOST_HARMLESS:
            harmless_metas.update(entry for entry in candidates if sum(map(len, entry)) < _MOST_CHARACTERS)
        return False

    def _may_opt_out(self, name: str) -> bool:
        if name in self._harmless:
            return False
        found = may_opt_out(name)
        if not found and len(name) < _MOST_CHARACTERS and len(self._harmless) < _MOST_HARMLESS:
            self._harmless.add(name)
        return found


def crawl_of_warcinfo(body: Bytes) -> str:
    """Returns the crawl's name in a warcinfo record, such as CC-MAIN-2014-35; empty if it has none.

    Args:
        body: The record's block, or that of a WAT's copy of it, which is JSON.
    """
    found = _IS_PART_OF.search(body)
    return found.group(1).decode() if found else ""


def _page_without_images(body: Bytes, page_url: str) -> Page | None:
    """Returns the page of a record without images, which isn't decoded."""
    return Page(page_url, "", False, []) if _HTML_MARK in body else None


def _parse(body: Bytes) -> Any:
    if len(body) > _MOST_LOOSE_BYTES:
        raise ValueError(f"{len(body)} bytes in which something has an unexpected type")
    try:
        return json.loads(body.decode("utf-8", "replace"), strict=False)
    except RecursionError as error:
        raise ValueError("JSON is nested too deeply") from error


def _loose_page(wat: Any, page_url: str) -> Page | None:
    """Reads JSON of any shape as `_typed_page` does. A value of an unexpected type counts as missing."""
    payload = _member(_member(wat, "Envelope"), "Payload-Metadata")
    response = _member(payload, "HTTP-Response-Metadata")
    if not isinstance(response.get("HTML-Metadata"), dict):
        return None
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
        return Page(page_url, "", False, links)
    metas = [(_text(meta.get("name")), _text(meta.get("content"))) for meta in _objects(head.get("Metas"))]
    opted_out = opts_out(metas, _headers(_member(response, "Headers")))
    language = next((content for name, content in metas if name == _LANGUAGE_META), "")
    rels = ((_text(link.get("url")), _text(link.get("rel"))) for link in _objects(html.get("Links")))
    licenses = tuple(url for url, rel in rels if is_license_link(rel))
    return Page(page_url, _text(head.get("Base")), opted_out, links, language, licenses)


def _headers(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns names and values of headers. A header that was sent several times may be a list."""
    pairs: list[tuple[str, str]] = []
    for name, value in headers.items():
        if isinstance(value, str):
            pairs.append((name, value))
        elif isinstance(value, list):
            pairs.extend((name, item) for item in value if isinstance(item, str))
    return pairs


def _member(value: Any, key: str) -> dict[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
