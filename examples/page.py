"""A web page reduced to what a WAT says about it.

The classes are msgspec Structs rather than dataclasses because a benchmark file holds millions of
links: a Struct is several times cheaper to make, and msgspec turns it into the JSON of a WAT link
directly (`path` first, absent attributes left out).
"""

import msgspec


class Image(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    tag_field="path",
    tag="IMG@/src",
    rename={"src": "url"},
):
    """One `<img>`.

    Attributes:
        src: the attribute as written in the page, relative or not, possibly no URL at all.
        alt: its alternative text; None when the attribute is missing, "" when it is empty.
        title: its tooltip, with the same meaning of None and "".
    """

    src: str
    alt: str | None = None
    title: str | None = None


class Anchor(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    tag_field="path",
    tag="A@/href",
    rename={"href": "url"},
):
    """One `<a href>`, which every reader of image links has to skip."""

    href: str
    title: str | None = None
    text: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One crawled page.

    Attributes:
        url: absolute address, the WARC-Target-URI.
        title: content of `<title>`.
        images: in document order.
        links: in document order, after the images.
        base: href of `<base>`, or None.
        metas: (name, content) of each `<meta name>`.
        headers: (name, value) of HTTP response headers beside Content-Type and Content-Length.
        lang: `<html lang>`, "" for none.
        stylesheets: href of each `<link rel=stylesheet>`.
        scripts: src of each `<script>`.
        date: when it was fetched, as WARC writes it (ISO 8601, UTC, seconds).
    """

    url: str
    title: str
    images: tuple[Image, ...] = ()
    links: tuple[Anchor, ...] = ()
    base: str | None = None
    metas: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    lang: str = ""
    stylesheets: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    date: str = "2025-07-12T08:00:00Z"
