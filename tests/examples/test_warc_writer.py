import gzip
from html.parser import HTMLParser
from pathlib import Path

from examples.edge_cases import edge_cases
from examples.page import Image, Page
from examples.warc_writer import page_html, warc_records, write_warc
from examples.wat_statistics import read_records


class Images(HTMLParser):
    """The images, <base> and metas of a page as a browser's parser would name them."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[Image] = []
        self.base: str | None = None
        self.metas: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.images.append(Image(values["src"], values.get("alt"), values.get("title")))
        elif tag == "base":
            self.base = values["href"]
        elif tag == "meta" and "name" in values:
            self.metas.append((values["name"], values["content"]))


def test_a_page_says_in_html_what_it_says_in_a_wat() -> None:
    assert len(edge_cases()) > 20
    for case in edge_cases():
        parser = Images()
        parser.feed(page_html(case.page))
        assert parser.images == list(case.page.images), case.name
        assert parser.base == case.page.base
        assert parser.metas == list(case.page.metas)


def test_a_response_holds_http_headers_and_a_utf8_body(tmp_path: Path) -> None:
    page = Page(
        "https://a.example/x",
        "ü",
        (Image("a.jpg", "half \ud83e"),),
        headers=(("tdm-reservation", "1"),),
        lang="de",
    )
    path = tmp_path / "a.warc.gz"
    write_warc(path, [page], crawl="CC-MAIN-2024-10")
    with gzip.open(path) as file:
        records = list(read_records(file))
    assert [fields["WARC-Type"] for fields, _ in records] == ["warcinfo", "response"]
    assert b"isPartOf: CC-MAIN-2024-10\r\n" in records[0][1]
    fields, block = records[1]
    assert fields["WARC-Target-URI"] == page.url
    head, _, body = block.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    assert head.endswith(b"\r\ntdm-reservation: 1")
    assert b'<html lang="de">' in body
    assert "half \ufffd" in body.decode()


def test_records_do_not_depend_on_when_they_are_written() -> None:
    pages = [case.page for case in edge_cases()]
    assert list(warc_records(pages)) == list(warc_records(pages))
