"""The images of an HTML page, from a WARC's response record.

A page is read tag by tag, the way the extractor works that makes Common Crawl's WATs, so that the same pages give the
same rows: images in noscript (where lazy-loading sites put the real one), template and select count. A tree is never
built: by the HTML standard, unclosed formatting elements are opened again in every later block, by which 80 KB of HTML
become gigabytes. libxml2 splits a page into tags as the standard says from version 2.14 on, which is in lxml's wheels
since 6.0. What is text for the standard holds no image: scripts, comments, textarea, iframe and noframes. A WAT has
those in the last three, and misses those that follow a comment with more dashes than it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from metaclip_curate.extract.charset import as_utf8
from metaclip_curate.extract.http_response import MAX_BODY_BYTES, decoded_body, media_type, parse_response
from metaclip_curate.extract.links import ImageLink, Page
from metaclip_curate.extract.opt_out import may_opt_out, opts_out

_HTML_TYPES = ("text/html", "application/xhtml+xml")
# Types that say nothing, by the MIME sniffing standard; then a page is known by how it begins.
_UNKNOWN_TYPES = ("", "unknown/unknown", "application/unknown", "*/*")
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*(?:<\?xml[^>]*>[\t\n\f\r ]*)?<(?:!--|(?:!doctype html|html|head|script|iframe|h1"
    rb"|div|font|table|a|style|title|b|body|br|p)[\t\n\f\r />])",
    re.IGNORECASE,
)
_IMAGE_TAG = re.compile(rb"<img[\t\n\f\r />]", re.IGNORECASE)
# Tags for which libxml2 looks through all elements that are open, and how many it may look at in a page: a thousand
# take some microseconds.
_SEARCHED = re.compile(rb"</|<body", re.IGNORECASE)
_STEPS_A_BYTE = 64
_STEPS_A_PAGE = 1 << 25
_PIECE_BYTES = 1 << 12
# Where lazy-loading scripts find the picture's address, and where its sizes.
_LAZY_URLS = ("data-src", "data-original", "data-lazy-src")
_LAZY_SRCSETS = ("data-srcset", "data-lazy-srcset")
# A path has one of these at least; a template, into which a script puts a width, has braces.
_PATH_MARKS = re.compile(r"[./]")
_TEMPLATE_MARKS = re.compile(r"[{}<>]")
# srcset, as the HTML standard parses it: a URL goes on up to white space, so it may contain commas; those at its end
# separate it from the next. Descriptors go on up to a comma outside parentheses, which are reserved.
_SRCSET_URL = re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]+)")
_SRCSET_DESCRIPTORS = re.compile(r"(?:[^(,]|\([^)]*+\)?)*+,?")
_MAX_DESCRIPTORS = 3
_DESCRIPTOR = re.compile(
    r"(?P<width>[0-9]{1,9})w|(?P<height>[0-9]{1,9})h"
    r"|(?P<density>(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)x"
)


def page_of_response(
    block: bytes, page_url: str, payload_type: str = "", max_bytes: int = MAX_BODY_BYTES
) -> Page | None:
    """Reads the images of a response record.

    Each img element with a src is one link, as in a WAT, whatever the src is. An image that is loaded lazily gives a
    second link after it, with the same texts: the first usable address among data-src, data-original, data-lazy-src
    and the best candidate of data-srcset or data-lazy-srcset. These name one picture in several sizes, so only one of
    them is taken; the src beside them is nearly always a placeholder, which stays since a WAT has it too. The best
    candidate of srcset itself is the second link only where the src is missing, empty or a data: URL: a src with an
    address is that picture already, in another size.

    Args:
        block: The block of a record of WARC-Type response and content type application/http.
        page_url: Its WARC-Target-URI.
        payload_type: Its WARC-Identified-Payload-Type. Where there is one it decides whether the page is HTML, as it
            does for the WAT; else the Content-Type header does, and without one the first bytes.
        max_bytes: Longer pages are cut off here, packed ones while they are unpacked.

    Returns:
        The page, or None where it isn't HTML.

    Raises:
        ValueError: The block is no HTTP response.
    """
    response = parse_response(block)
    content_type = response.header("content-type")
    is_html = _says_html(payload_type, content_type)
    if is_html is False:
        return None
    body, damage = decoded_body(response, max_bytes + 1)
    if len(body) > max_bytes:
        body, damage = body[:max_bytes], damage or f"a page is cut off after {max_bytes} bytes"
    if is_html is None and not _HTML_START.match(body):
        return None
    page = as_utf8(body, content_type)
    tags = _read_tags(page) if _IMAGE_TAG.search(page) else _Tags()
    return Page(page_url, tags.base or "", opts_out(tags.metas, response.headers), tags.links, damage or tags.damage)


def _says_html(payload_type: str, content_type: str) -> bool | None:
    """Whether a page's type is HTML; None where the types say nothing."""
    identified, told = media_type(payload_type), media_type(content_type)
    if identified:
        return identified in _HTML_TYPES
    return None if told in _UNKNOWN_TYPES else "html" in told


class _Tags:
    """Receives a page's start tags and keeps what a page's images need."""

    def __init__(self) -> None:
        self.links: list[ImageLink] = []
        self.metas: list[tuple[str, str]] = []
        self.base: str | None = None
        self.damage = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "img":
            self.links.extend(_image_links(attributes))
        elif tag == "meta":
            name, content = attributes.get("name"), attributes.get("content")
            if name and content and may_opt_out(name):
                self.metas.append((name, content))
        elif tag == "base" and self.base is None:
            # The first with a href counts, even an empty one (HTML standard, the base element).
            self.base = attributes.get("href")

    def close(self) -> None:
        """Called at the end of a page; nothing is left to do."""


class _NestedTags(_Tags):
    """Also counts the elements that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = self.most_open = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        super().start(tag, attributes)
        self.open += 1
        self.most_open = max(self.most_open, self.open)

    def end(self, tag: str) -> None:
        self.open -= 1


def _read_tags(page: bytes) -> _Tags:
    if _may_be_nested_deeply(page):
        return _read_nested_tags(page)
    tags = _Tags()
    parser = _parser(tags)
    parser.feed(page)
    parser.close()
    return tags


def _may_be_nested_deeply(page: bytes) -> bool:
    """Whether its tags are enough to take too many steps, in whatever order they come."""
    tags, most = page.count(b"<"), _most_steps(page)
    if tags * tags <= most:
        return False
    searched = page.count(b"</") + page.count(b"<b") + page.count(b"<B")  # end tags, and body among others
    return tags * searched > most


def _parser(tags: _Tags) -> etree.HTMLParser:
    # huge_tree lifts the limits on nesting and on the length of an attribute.
    return etree.HTMLParser(target=tags, encoding="utf-8", huge_tree=True)


def _read_nested_tags(page: bytes) -> _Tags:
    """Reads a page that may be nested so deeply that it takes quadratic time, and stops where it would.

    Each end tag, and each body tag, is searched among all elements that are open.
    """
    tags = _NestedTags()
    parser = _parser(tags)
    steps = 0
    for start in range(0, len(page), _PIECE_BYTES):
        piece = page[start : start + _PIECE_BYTES]
        searched = len(_SEARCHED.findall(piece))
        # Looked at before the piece is read, which may alone take too many.
        if steps + searched * tags.open > _most_steps(page):
            tags.damage = f"a page is nested so deeply that it is cut off after {start} bytes"
            return tags
        tags.most_open = tags.open
        parser.feed(piece)
        steps += searched * tags.most_open
    parser.close()
    return tags


def _most_steps(page: bytes) -> int:
    return _STEPS_A_BYTE * len(page) + _STEPS_A_PAGE


def _image_links(attributes: dict[str, str]) -> list[ImageLink]:
    """Lists the links of an img element: its src, and the picture that is loaded later in its place."""
    get = attributes.get
    src = get("src")
    urls = [] if src is None else [src]
    deferred = _deferred_url(attributes)
    if deferred and deferred != (src or "").strip():
        urls.append(deferred)
    return [ImageLink(url, get("alt", ""), get("title", ""), get("data-image-title", "")) for url in urls]


def _deferred_url(attributes: dict[str, str]) -> str:
    """The address of the picture that takes the place of the src; empty where there is none."""
    for name in _LAZY_URLS:
        url = attributes.get(name, "").strip()
        if _is_usable(url):
            return url
    src = attributes.get("src", "").strip()
    names = (*_LAZY_SRCSETS, "srcset") if not src or _is_data_url(src) else _LAZY_SRCSETS
    for name in names:
        url = best_candidate(attributes.get(name, ""))
        if _is_usable(url):
            return url
    return ""


def _is_usable(url: str) -> bool:
    return not _is_data_url(url) and bool(_PATH_MARKS.search(url)) and not _TEMPLATE_MARKS.search(url)


def _is_data_url(url: str) -> bool:
    return url[:5].lower() == "data:"


def best_candidate(srcset: str) -> str:
    """Finds the largest picture of a srcset attribute, which names one picture in several sizes.

    Args:
        srcset: The attribute's value.

    Returns:
        The URL with the largest width, or where no width is told the highest density; the first of equals. Empty where
        no candidate is valid.
    """
    best, best_size = "", (-1, -1.0)
    for url, descriptors in _srcset_candidates(srcset):
        size = _candidate_size(descriptors)
        if size is not None and size > best_size:
            best, best_size = url, size
    return best


def _srcset_candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """Splits a srcset into URLs and their descriptors."""
    position = 0
    while found := _SRCSET_URL.match(srcset, position):
        url, position = found[1], found.end()
        descriptors = ""
        if url.endswith(","):
            url = url.rstrip(",")
        elif rest := _SRCSET_DESCRIPTORS.match(srcset, position):
            descriptors, position = rest[0].removesuffix(","), rest.end()
        yield url, descriptors


def _candidate_size(descriptors: str) -> tuple[int, float] | None:
    """The width in pixels (0 where none is told) and the density; None where the standard drops the candidate."""
    told: dict[str, float] = {}
    for descriptor in descriptors.split(maxsplit=_MAX_DESCRIPTORS):
        found = _DESCRIPTOR.fullmatch(descriptor)
        if found is None or found.lastgroup is None or found.lastgroup in told:
            return None
        told[found.lastgroup] = float(found[found.lastgroup])
    if ("density" in told and len(told) > 1) or ("height" in told and "width" not in told) or told.get("width") == 0:
        return None
    return int(told.get("width", 0)), told.get("density", 1.0)
