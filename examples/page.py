"""A web page with the parts that a WAT describes.

The classes are msgspec Structs rather than dataclasses because a benchmark file has millions of
links: creating a Struct takes a fraction of the time, and msgspec converts it to the JSON of a WAT
link directly (`path` first, without absent attributes).
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
        src: The attribute as written in the page, relative or not, perhaps not even a URL.
        alt: The alternative text; None if the attribute is missing, "" if it is empty.
        title: The tooltip, with the same meaning of None and "".
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
        url: Absolute URL, the WARC-Target-URI.
        title: Content of `<title>`.
        images: Images in document order.
        links: Links in document order, after the images.
        base: The href of `<base>`, or None.
        metas: Name and content of each `<meta name>`.
        headers: Name and value of HTTP response headers besides Content-Type and Content-Length.
        lang: `<html lang>`, "" for none.
        stylesheets: The href of each `<link rel=stylesheet>`.
        scripts: The src of each `<script>`.
        date: Time of the fetch as in WARC (ISO 8601, UTC, seconds).
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
