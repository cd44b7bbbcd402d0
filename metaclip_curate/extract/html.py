"""The images of an HTML page in a WARC's response record.

A page is read tag by tag, like by the extractor that makes Common Crawl's WATs, so that the same pages yield the same
rows. Images in noscript (where lazy-loading sites put the real one), template and select count. No tree is built: the
HTML standard opens unclosed formatting elements again in every later block, which turns 80 KB of HTML into gigabytes.
libxml2 splits a page into tags by the standard since 2.14, which lxml's wheels have since 6.0. Where the standard sees
text, there are no images: scripts, comments, textarea, iframe and noframes. A WAT has those in the last three, and
lacks those after a comment with more dashes than it needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from metaclip_curate.extract.charset import as_utf8
from metaclip_curate.extract.http_response import MAX_BODY_BYTES, decoded_body, media_type, parse_response
from metaclip_curate.extract.links import ImageLink, Page
from metaclip_curate.extract.opt_out import may_opt_out, opts_out
from metaclip_curate.extract.page_facts import LICENSE_MARK, is_license_link

_HTML_TYPES = ("text/html", "application/xhtml+xml")
# Types that mean "unknown" in the MIME sniffing standard; then the page's first bytes decide.
_UNKNOWN_TYPES = ("", "unknown/unknown", "application/unknown", "*/*")
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*(?:<\?xml[^>]*>[\t\n\f\r ]*)?<(?:!--|(?:!doctype html|html|head|script|iframe|h1"
    rb"|div|font|table|a|style|title|b|body|br|p)[\t\n\f\r />])",
    re.IGNORECASE,
)
_IMAGE_TAG = re.compile(rb"<img[\t\n\f\r />]", re.IGNORECASE)
# Tags for which libxml2 searches all open elements, and upper bounds of the elements searched in a page: a thousand
# take some microseconds.
_SEARCHED = re.compile(rb"</|<body", re.IGNORECASE)
_STEPS_PER_BYTE = 64
_STEPS_PER_PAGE = 1 << 25
_PIECE_BYTES = 1 << 12
# Elements that link by an href and so can name a licence (HTML standard, section 4.6.7.8).
_LINKING_TAGS = ("a", "link", "area")
# Attributes in which lazy-loading scripts find the image's URL, and its URLs in several sizes.
_LAZY_URLS = ("data-src", "data-original", "data-lazy-src")
_LAZY_SRCSETS = ("data-srcset", "data-lazy-srcset")
# A path has at least one of the first. A template, into which a script inserts a width, has one of the second.
_PATH_MARKS = re.compile(r"[./]")
_TEMPLATE_MARKS = re.compile(r"[{}<>]")
# srcset, as the HTML standard parses it. A URL ends at white space and may contain commas; those at its end separate it
# from the next candidate. Descriptors end at a comma outside parentheses, which are reserved.
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

    Each img element with a src is one link, as in a WAT, whatever the src is. An image that is loaded lazily is a
    second link with the same texts: the first usable URL among data-src, data-original, data-lazy-src and the best
    candidate of data-srcset or data-lazy-srcset. These are one image in several sizes, so only one of them is taken.
    The src beside them is nearly always a placeholder, which is kept since a WAT has it too. The best candidate of
    srcset itself is the second link only if the src is missing, empty or a data: URL; otherwise the src is that image
    already, in another size.

    Args:
        block: Block of a record with WARC-Type response and content type application/http.
        page_url: The record's WARC-Target-URI.
        payload_type: The record's WARC-Identified-Payload-Type. If present, it decides whether the page is HTML, as it
            does for the WAT; else the Content-Type header does, and without that the first bytes.
        max_bytes: Length at which longer pages are cut off, after decompression.

    Returns:
        The page, or None if it isn't HTML.

    Raises:
        ValueError: The block isn't an HTTP response.
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
    opted_out = opts_out(tags.metas, response.headers)
    licenses = tuple(tags.license_links)
    return Page(page_url, tags.base or "", opted_out, tags.links, tags.language or "", licenses, damage or tags.damage)


def _says_html(payload_type: str, content_type: str) -> bool | None:
    """Returns whether a page's types mean HTML; None if they mean nothing."""
    identified, declared = media_type(payload_type), media_type(content_type)
    if identified:
        return identified in _HTML_TYPES
    return None if declared in _UNKNOWN_TYPES else "html" in declared


class _Tags:
    """Receives a page's start tags, and keeps its images, its <base>, its opt-outs, its language and its licences.

    Args:
        licensed: Whether links are searched for licences.
    """

    def __init__(self, licensed: bool = False) -> None:
        self.links: list[ImageLink] = []
        self.metas: list[tuple[str, str]] = []
        self.base: str | None = None
        self.language: str | None = None
        self.license_links: list[str] = []
        self.damage = ""
        self._licensed = licensed

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
        elif tag == "html" and self.language is None:
            self.language = attributes.get("lang")
        elif self._licensed and tag in _LINKING_TAGS and is_license_link(attributes.get("rel", "")):
            self.license_links.append(attributes.get("href", ""))

    def close(self) -> None:
        """Does nothing at the end of a page."""


class _NestedTags(_Tags):
    """Counts the open elements as well."""

    def __init__(self, licensed: bool = False) -> None:
        super().__init__(licensed)
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
    tags = _Tags(LICENSE_MARK in page)
    parser = _parser(tags)
    parser.feed(page)
    parser.close()
    return tags


def _may_be_nested_deeply(page: bytes) -> bool:
    """Returns whether a page has enough tags to take too many steps in some order."""
    tags, most = page.count(b"<"), _most_steps(page)
    if tags * tags <= most:
        return False
    searched = page.count(b"</") + page.count(b"<b") + page.count(b"<B")  # end tags, and body among others
    return tags * searched > most


def _parser(tags: _Tags) -> etree.HTMLParser:
    # huge_tree lifts the limits on nesting and on the length of an attribute.
    return etree.HTMLParser(target=tags, encoding="utf-8", huge_tree=True)


def _read_nested_tags(page: bytes) -> _Tags:
    """Reads a page that may be nested deeply, and cuts it off before it takes quadratic time.

    libxml2 searches all open elements for each end tag and each body tag.
    """
    tags = _NestedTags(LICENSE_MARK in page)
    parser = _parser(tags)
    steps = 0
    for start in range(0, len(page), _PIECE_BYTES):
        piece = page[start : start + _PIECE_BYTES]
        searched = len(_SEARCHED.findall(piece))
        # Checked before the piece is parsed, since that alone may take too many steps.
        if steps + searched * tags.open > _most_steps(page):
            tags.damage = f"a page is nested so deeply that it is cut off after {start} bytes"
            return tags
        tags.most_open = tags.open
        parser.feed(piece)
        steps += searched * tags.most_open
    parser.close()
    return tags


def _most_steps(page: bytes) -> int:
    return _STEPS_PER_BYTE * len(page) + _STEPS_PER_PAGE


def _image_links(attributes: dict[str, str]) -> list[ImageLink]:
    """Returns the links of an img element: its src, and the image that is loaded later in its place."""
    get = attributes.get
    src = get("src")
    urls = [] if src is None else [src]
    deferred = _deferred_url(attributes)
    if deferred and deferred != (src or "").strip():
        urls.append(deferred)
    return [ImageLink(url, get("alt", ""), get("title", ""), get("data-image-title", "")) for url in urls]


def _deferred_url(attributes: dict[str, str]) -> str:
    """Returns the URL of the image that replaces the src; empty if none does."""
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
    """Returns the URL of the largest candidate of a srcset attribute, which has one image in several sizes.

    Args:
        srcset: The attribute's value.

    Returns:
        The first URL with the largest width, or without widths with the highest density; empty if no candidate is
        valid.
    """
    best, best_size = "", (-1, -1.0)
    for url, descriptors in _srcset_candidates(srcset):
        size = _candidate_size(descriptors)
        if size is not None and size > best_size:
            best, best_size = url, size
    return best


def _srcset_candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """Yields the URLs of a srcset and their descriptors."""
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
    """Returns width in pixels (0 without one) and density; None if the HTML standard drops the candidate."""
    values: dict[str, float] = {}
    for descriptor in descriptors.split(maxsplit=_MAX_DESCRIPTORS):
        found = _DESCRIPTOR.fullmatch(descriptor)
        if found is None or found.lastgroup is None or found.lastgroup in values:
            return None
        values[found.lastgroup] = float(found[found.lastgroup])
    if ("density" in values and len(values) > 1) or ("height" in values and "width" not in values):
        return None
    if values.get("width") == 0:
        return None
    return int(values.get("width", 0)), values.get("density", 1.0)
