"""Writes pages as a WARC of HTML, to check that both kinds of input yield equal rows."""

import html
from collections.abc import Iterable, Iterator
from pathlib import Path

from examples.page import Image, Page
from examples.warc_framing import record_id, warc_record, write_records
from examples.wat_writer import DEFAULT_CRAWL, FILE_DATE


def write_warc(
    path: Path | str,
    pages: Iterable[Page],
    crawl: str = DEFAULT_CRAWL,
    compression_level: int = 6,
) -> None:
    """Writes a WARC: one gzip member a record if the name ends in .gz, else uncompressed.

    Args:
        path: File to write. Its folder must exist.
        pages: Pages, taken one at a time.
        crawl: Name of the crawl, for the warcinfo's isPartOf.
        compression_level: zlib's level, 0 to 9.
    """
    write_records(path, warc_records(pages, crawl), compression_level)


def warc_records(pages: Iterable[Page], crawl: str = DEFAULT_CRAWL) -> Iterator[bytes]:
    """Yields the uncompressed records of a WARC: a warcinfo, then a response for each page."""
    yield warc_record(
        [
            ("WARC-Type", "warcinfo"),
            ("WARC-Date", FILE_DATE),
            ("WARC-Filename", f"{crawl}-00000.warc.gz"),
            ("WARC-Record-ID", record_id("warcinfo", f"{crawl}-00000.warc.gz")),
            ("Content-Type", "application/warc-fields"),
        ],
        f"isPartOf: {crawl}\r\nformat: WARC File Format 1.0\r\n".encode(),
    )
    for page in pages:
        yield _response_record(page)


def _response_record(page: Page) -> bytes:
    body = _encoded(page_html(page))
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(body)),
        **dict(page.headers),
    }
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in headers.items())]
    block = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return warc_record(
        [
            ("WARC-Type", "response"),
            ("WARC-Date", page.date),
            ("WARC-Record-ID", record_id("response", page.url, page.date)),
            ("WARC-Target-URI", page.url),
            ("Content-Type", "application/http; msgtype=response"),
        ],
        block,
    )


def page_html(page: Page) -> str:
    """Returns the page as HTML, with each image and link in a paragraph of its own."""
    root = f"<html{_attribute('lang', page.lang)}>" if page.lang else "<html>"
    lines = ["<!DOCTYPE html>", root, "<head>", '<meta charset="utf-8">']
    if page.base is not None:
        lines.append(f"<base{_attribute('href', page.base)}>")
    for name, content in page.metas:
        lines.append(f"<meta{_attribute('name', name)}{_attribute('content', content)}>")
    lines.append(f"<title>{html.escape(page.title)}</title>")
    lines += [f'<link rel="stylesheet"{_attribute("href", url)}>' for url in page.stylesheets]
    lines += [f"<script{_attribute('src', url)}></script>" for url in page.scripts]
    lines += ["</head>", "<body>"]
    lines += [f"<p>{_image(image)}</p>" for image in page.images]
    for link in page.links:
        tag = f"<a{_attribute('href', link.href)}{_attribute('title', link.title)}>"
        lines.append(f"<p>{tag}{html.escape(link.text or '')}</a></p>")
    lines += ["</body>", "</html>", ""]
    return "\n".join(lines)


def _image(image: Image) -> str:
    attributes = (("src", image.src), ("alt", image.alt), ("title", image.title))
    return "<img" + "".join(_attribute(name, value) for name, value in attributes) + ">"


def _attribute(name: str, value: str | None) -> str:
    """Returns ` name="value"`, or nothing for None. A CR is escaped, since it would be read as LF."""
    if value is None:
        return ""
    escaped = html.escape(value).replace("\r", "&#13;")
    return f' {name}="{escaped}"'


def _encoded(text: str) -> bytes:
    """Encodes a text as UTF-8, with U+FFFD for lone surrogates."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
