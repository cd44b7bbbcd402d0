"""The images of HTML pages, beside what Common Crawl's own extractor found in the same pages."""

from __future__ import annotations

import gzip
import html
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.extract.html import best_candidate, page_of_response
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.links import ImageLink, Page
from metaclip_curate.extract.records import Record, read_records
from metaclip_curate.extract.wat import WatDecoder

URL = "http://example.org/"


def block(body: str | bytes, *headers: str) -> bytes:
    """An HTTP response; of type text/html where the headers say nothing else."""
    if not any(header.lower().startswith("content-type") for header in headers):
        headers = ("Content-Type: text/html; charset=utf-8", *headers)
    head = "\r\n".join(["HTTP/1.1 200 OK", *headers]) + "\r\n\r\n"
    return head.encode("latin-1") + (body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body)


def page(body: str | bytes, *headers: str) -> Page:
    found = page_of_response(block(body, *headers), URL)
    assert found is not None
    return found


def urls(body: str | bytes) -> list[str]:
    found = page_of_response(block(body), URL)
    return [link.url for link in found.links] if found else []


def test_an_image_with_all_its_texts() -> None:
    found = page('<p><IMG Alt="an alt" SRC=a.jpg title=\'a "title"\' data-image-title=t class=x></p>')
    assert found == Page(URL, "", False, [ImageLink("a.jpg", "an alt", 'a "title"', "t")])


def test_a_page_that_is_cut_off_says_so() -> None:
    body = b"<img src=a.jpg alt=a>" + b" " * 100
    packed = gzip.compress(body)
    for sent in (block(body), block(packed, "Content-Encoding: gzip")):
        whole, cut = (page_of_response(sent, URL, max_bytes=size) for size in (len(body), len(body) - 1))
        assert whole is not None and cut is not None
        assert whole.links == cut.links == [ImageLink("a.jpg", "a", "", "")]
        assert (whole.damage, cut.damage) == ("", f"a page is cut off after {len(body) - 1} bytes")
    # Its images may all be in what is cut off.
    cut = page_of_response(block(b"<p>" + b" " * 100), URL, max_bytes=50)
    assert cut is not None and (cut.links, cut.damage != "") == ([], True)


def test_a_page_that_can_be_unpacked_in_part_says_so() -> None:
    body = b"<img src=a.jpg alt=a>" + bytes(range(256)) * 20
    packed = gzip.compress(body)
    for sent, damage in [
        (packed + b"\r\n", ""),
        (packed[:-8] + b"12345678", "a page's body is damaged or breaks off within its coding gzip"),
        (packed[:-20], "a page's body is damaged or breaks off within its coding gzip"),
    ]:
        found = page(sent, "Content-Encoding: gzip")
        assert (found.links, found.damage) == ([ImageLink("a.jpg", "a", "", "")], damage)


def test_what_is_missing_is_empty() -> None:
    assert page("<img src=a.jpg><img alt=b><img src='' alt=c>").links == [
        ImageLink("a.jpg", "", "", ""),
        ImageLink("", "c", "", ""),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a?x=1&amp;y=2", "a?x=1&y=2"),
        ("a?x=1&copy=2&lt=3&reg", "a?x=1&copy=2&lt=3®"),
        ("&#228;&#xE4;&auml;&copy;&hellip;", "äää©…"),
        ("&#0;&#xD800;&#x110000;&#128;", "\ufffd\ufffd\ufffd€"),
        ("&unknown; &amp;amp;", "&unknown; &amp;"),
        ("a\0b", "a\ufffdb"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("<b>bold</b> > x", "<b>bold</b> > x"),
    ],
)
def test_character_references_and_odd_characters(written: str, read: str) -> None:
    assert page(f'<img src="{written}" alt="{written}">').links == [ImageLink(read, read, "", "")]


def test_the_first_of_equal_attributes_counts() -> None:
    assert page("<img src=a src=b alt=c ALT=d>").links == [ImageLink("a", "c", "", "")]


@pytest.mark.parametrize(
    "body",
    [
        "<noscript><img src=a></noscript>",
        "<head><noscript><img src=a></noscript></head>",
        "<template><div><img src=a></div></template>",
        "<table><img src=a></table>",
        "<select><option><img src=a></select>",
        "<svg><img src=a></svg>",
        "<picture><source srcset=b><img src=a></picture>",
        "</html><img src=a>",
        "<script>'<img src=b>'</script><img src=a>",
        "<script><!-- <script></script> <img src=b> --></script><img src=a>",
        "<style><img src=b></style><img src=a>",
        "<!--- <img src=b> ---><img src=a>",
        "<!-- <img src=b> --!><img src=a>",
        "<!--><img src=a>",
        "<![if !IE]><img src=a><![endif]><!--[if IE]><img src=b><![endif]-->",
        "<o:p><x-y><img src=a></x-y></o:p>",
        "<img\nsrc=a\n/>",
        "<img/src='a'/>",
        "<IMG SRC='a'><imgs src=b><image src=b>",
        "<img src=a><img src=b",
    ],
)
def test_where_an_image_is_one(body: str) -> None:
    assert urls(body) == ["a"]


@pytest.mark.parametrize(
    "body",
    ["", " ", "text", "<p>text</p>", "<img>", "<img alt=a>", "<textarea><img src=a></textarea>", "\0", "<", "<img"],
)
def test_pages_without_images(body: str) -> None:
    assert urls(body) == []


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("src=a.jpg", ["a.jpg"]),
        ("src=blank.gif data-src=a.jpg", ["blank.gif", "a.jpg"]),
        ("src=blank.gif data-original=a.jpg", ["blank.gif", "a.jpg"]),
        ("src='data:image/gif;base64,R0' data-lazy-src=a.jpg", ["data:image/gif;base64,R0", "a.jpg"]),
        ("data-src=a.jpg", ["a.jpg"]),
        ("data-src=' a.jpg\n'", ["a.jpg"]),
        # The same picture in several sizes is one link.
        ("src=blank.gif data-src=a.jpg data-original=b.jpg data-lazy-src=c.jpg data-srcset='d.jpg 2x'", None),
        ("src=a.jpg srcset='b.jpg 1000w'", ["a.jpg"]),
        ("src=a.jpg data-src=a.jpg", ["a.jpg"]),
        # Without anything else, the largest.
        ("srcset='b.jpg 300w, c.jpg 900w, d.jpg 600w'", ["c.jpg"]),
        ("src='' srcset='b.jpg, c.jpg 2x'", ["", "c.jpg"]),
        ("src='DATA:image/png,x' srcset='b.jpg, c.jpg 2x'", ["DATA:image/png,x", "c.jpg"]),
        ("src=blank.gif data-srcset='b.jpg 300w, c.jpg 900w'", ["blank.gif", "c.jpg"]),
        ("src=blank.gif data-lazy-srcset='b.jpg 300w, c.jpg 900w' srcset='d.jpg 1x'", ["blank.gif", "c.jpg"]),
        # What is no address.
        ("src=a_300x300.jpg data-src=a_{width}x.jpg", ["a_300x300.jpg"]),
        ("src=a.jpg data-src=true data-original=''", ["a.jpg"]),
        ("src=a.jpg data-src='data:image/gif;base64,R0/l'", ["a.jpg"]),
        ("""src=a.jpg data-src='{"url": "b.jpg"}'""", ["a.jpg"]),
        ("src=blank.gif data-src=1 data-original=/b", ["blank.gif", "/b"]),
    ],
)
def test_lazy_images(attributes: str, expected: list[str] | None) -> None:
    links = page(f"<img {attributes} alt=text title=more>").links
    assert [link.url for link in links] == (expected or ["blank.gif", "a.jpg"])
    assert {(link.alt, link.title) for link in links} == {("text", "more")}


@pytest.mark.parametrize(
    ("srcset", "best"),
    [
        ("", ""),
        (" , ,", ""),
        ("a.jpg", "a.jpg"),
        ("a.jpg 1x, b.jpg 2.5x", "b.jpg"),
        ("a.jpg, b.jpg .5x", "a.jpg"),
        ("a.jpg 2x,b.jpg 2x", "a.jpg"),
        ("a.jpg 100w 50h,\n\tb.jpg 1000w", "b.jpg"),
        ("a,b.jpg 1x, c,d,e.jpg 2x", "c,d,e.jpg"),
        ("a.jpg,b.jpg 1x", "a.jpg,b.jpg"),
        ("a.jpg, b.jpg", "a.jpg"),
        (",,a.jpg,,", "a.jpg"),
        ("data:image/gif;base64,R0lG 1x, b.jpg 2x", "b.jpg"),
        ("/t_w,h_100/a.jpg 100w, /t_w,h_200/a.jpg 200w", "/t_w,h_200/a.jpg"),
        # Descriptors that the standard doesn't know drop their candidate.
        ("a.jpg 1x, b.jpg 9q", "a.jpg"),
        ("a.jpg 1x, b.jpg 9x 9w", "a.jpg"),
        ("a.jpg 1x, b.jpg 0w", "a.jpg"),
        ("a.jpg 1x, b.jpg -9x", "a.jpg"),
        ("a.jpg 1x, b.jpg 9x 9x", "a.jpg"),
        ("a.jpg 1x, b.jpg 9h", "a.jpg"),
        ("a.jpg 1x, b.jpg f(9x, 9x), c.jpg 2x", "c.jpg"),
        ("a.jpg 1x, b.jpg f(9x", "a.jpg"),
        ("a.jpg 1x, b.jpg 1e3x", "b.jpg"),
        (f"a.jpg {'9' * 5000}w, b.jpg 1w", "b.jpg"),
    ],
)
def test_srcset(srcset: str, best: str) -> None:
    assert best_candidate(srcset) == best


@pytest.mark.parametrize(
    ("body", "base"),
    [
        ("<base href='/b/'>", "/b/"),
        ("<base target=x><BASE HREF='/b/'><base href=/c/>", "/b/"),
        ("<base href=''><base href=/c/>", ""),
        ("<body><p><base href='http://other.example/?a&amp;b'>", "http://other.example/?a&b"),
        ("<!-- <base href=/c/> -->", ""),
    ],
)
def test_base(body: str, base: str) -> None:
    assert page(f"{body}<img src=a>").base == base


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ("<meta name=robots content='noindex, NoAI'>", [], True),
        ("<META CONTENT=noimageai NAME=ROBOTS>", [], True),
        ("<meta name=tdm-reservation content=1>", [], True),
        ("<meta name=robots content=noindex>", [], False),
        ("<!-- <meta name=robots content=noai> -->", [], False),
        ("", ["X-Robots-Tag: noindex", "x-robots-tag: otherbot: noai"], True),
        ("", ["TDM-Reservation: 1"], True),
        ("", ["X-Robots-Tag: noindex", "tdm-reservation: 0"], False),
    ],
)
def test_opt_out(body: str, headers: list[str], expected: bool) -> None:
    assert page(f"{body}<img src=a>", *headers).opted_out is expected


@pytest.mark.parametrize(
    ("content_type", "payload_type", "expected"),
    [
        ("text/html", "", True),
        ("TEXT/HTML; charset=utf-8", "", True),
        ("application/xhtml+xml", "", True),
        ("application/json", "", False),
        ("image/png", "", False),
        ("text/plain", "", False),
        ("application/xml", "", False),
        # As the WAT has it: what the crawler found out goes first.
        ("text/plain", "text/html", True),
        ("", "application/xhtml+xml", True),
        ("text/html", "application/pdf", False),
        # Parameters and case don't matter.
        ("text/plain", 'text/html; charset="UTF-8"', True),
        ("text/plain", " Text/HTML ;charset=utf-8", True),
        ("text/html", "application/pdf; x=text/html", False),
        ("text/plain; x=html", "", False),
        ("; charset=utf-8", "application/XHTML+xml;", True),
    ],
)
def test_types(content_type: str, payload_type: str, expected: bool) -> None:
    data = block("<p><img src=a>", f"Content-Type: {content_type}")
    assert (page_of_response(data, URL, payload_type) is not None) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<!DOCTYPE html><img src=a>", True),
        (" \r\n<HTML><img src=a>", True),
        ("\ufeff<body ><img src=a>", True),
        ("<!-- x --><img src=a>", True),
        ("<?xml version='1.0'?>\n<html><img src=a>", True),
        ("<div\n><img src=a>", True),
        ("<?xml version='1.0'?><rss><img src=a></rss>", False),
        ('{"html": "<img src=a>"}', False),
        ("<img src=a>", False),
        ("<broken><img src=a>", False),
        ("text <p><img src=a>", False),
    ],
)
@pytest.mark.parametrize("header", ["Content-Type:", "Content-Type: unknown/unknown", "Content-Type: */*"])
def test_without_a_type_the_first_bytes_tell(body: str, header: str, expected: bool) -> None:
    assert (page_of_response(block(body, header), URL) is not None) is expected


def test_character_sets_and_codings() -> None:
    russian = "<html><img src=a alt='Красивый закат над рекой'>"
    expected = [ImageLink("a", "Красивый закат над рекой", "", "")]
    for data in (
        block(russian.encode("cp1251"), "Content-Type: text/html; charset=windows-1251"),
        block(b"<meta charset=koi8-r>" + russian.encode("koi8-r"), "Content-Type: text/html"),
        block(russian.encode("cp1251"), "Content-Type: text/html"),
        block("\ufeff".encode("utf-16") + russian.encode("utf-16-le"), "Content-Type: text/html; charset=koi8-r"),
        block(gzip.compress(russian.encode()), "Content-Encoding: gzip"),
        block(russian, "Content-Encoding: gzip"),
    ):
        found = page_of_response(data, URL)
        assert found is not None
        assert found.links == expected
    assert page(b"<img src=a alt='\xff'>").links[0].alt == "\ufffd"


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n\r\n<img src=a>", b"<html><img src=a>"])
def test_what_is_no_response_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="no HTTP response"):
        page_of_response(data, URL)


@pytest.mark.parametrize(
    "opening",
    ["<div>", "<b>", "<a href=x>", "<table><tr><td>", "<ul><li>", "<font><p>", "<svg>", "<template>", "<form>"],
)
def test_deep_nesting(opening: str) -> None:
    assert urls("<img src=a>" + opening * 50_000 + "<img src=b>") == ["a", "b"]


@pytest.mark.slow
@pytest.mark.parametrize(("opening", "closing"), [("<b>", "</i>"), ("<div>", "</img>"), ("<frameset>", "<body>")])
def test_a_page_that_takes_quadratic_time_is_cut_off(opening: str, closing: str) -> None:
    """libxml2 looks for each of these among all open elements."""
    body = "<img src=a alt=b>" + opening * 100_000 + closing * 100_000 + "<img src=c>"
    started = time.process_time()
    found = page(body)
    assert time.process_time() - started < 4  # half a second on a fast core, and twenty where nothing is cut off
    assert found.links == [ImageLink("a", "b", "", "")]
    assert re.fullmatch(r"a page is nested so deeply that it is cut off after \d+ bytes", found.damage)


@pytest.mark.parametrize(
    "body", ["<b>" * 5_000 + "</i>" * 5_000, "<p>x</p><b>" * 20_000, "<div>" * 8_000 + "</div>" * 8_000]
)
def test_pages_that_are_nested_badly_are_read_to_their_end(body: str) -> None:
    found = page(f"<img src=a>{body}<img src='ä'>")
    assert [link.url for link in found.links] == ["a", "ä"]
    assert found.damage == ""


def test_a_page_that_makes_trees_explode() -> None:
    # By the standard every later div opens all the fonts before it again: 200 million elements.
    body = "".join(f"<div><font id={n}>text</div>" for n in range(20_000)) + "<img src=a>"
    started = time.process_time()
    assert urls(body) == ["a"]
    assert time.process_time() - started < 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "<p>some text <a href='x'>link</a><img src='a.jpg' alt='words &amp; more'></p>\n",
        "<",
        "&",
        "<!--",
        "<img src='",
        "\0",
        "ä",
        "<script>",
    ],
)
def test_twenty_megabytes(piece: str) -> None:
    count = (20 << 20) // len(piece.encode())
    data = block("<img src=a.jpg>" + piece * count)
    started = time.process_time()
    found = page_of_response(data, URL)
    assert time.process_time() - started < 20  # 2 s on a slow core
    assert found is not None
    assert len(found.links) == (count + 1 if "alt" in piece else 1)


@pytest.mark.slow
def test_large_attributes() -> None:
    alt = "words and more " * 1_000_000
    srcset = ", ".join(f"{n}.jpg {n}w" for n in range(200_000))
    attributes = " ".join(f"a{n}=1" for n in range(50_000))
    found = page(f'<img src=a alt="{alt}"><img srcset="{srcset}"><img data-src="{"./" * 500_000}{{">', "X: y")
    assert [link.url for link in found.links] == ["a", "199999.jpg"]
    assert found.links[0].alt == alt
    assert urls(f"<img {attributes} src=a>") == ["a"]
    assert best_candidate("a 1x" + "(" * 500_000) == ""
    assert best_candidate("a.jpg" + " 1x" * 500_000) == ""
    started = time.process_time()
    assert best_candidate("a.jpg " + "1" * 500_000) == ""
    assert best_candidate("a.jpg " + "1" * 500_000 + ".") == ""
    assert best_candidate("a.jpg 1e" + "1" * 500_000) == ""
    assert best_candidate("b.jpg " + "a()" * 300_000 + ", a.jpg 1.5x, c.jpg .9e1x") == "c.jpg"
    assert time.process_time() - started < 2


def test_a_page_is_cut_off_at_the_limit() -> None:
    body = "<img src=a>" * 1000
    found = page_of_response(block(gzip.compress(body.encode()), "Content-Encoding: gzip"), URL, max_bytes=110)
    assert found is not None
    assert len(found.links) == 10


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=20)


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4), st.sampled_from("'\""))
def test_any_text_comes_back(images: list[tuple[str, str, str]], quote: str) -> None:
    names = ("src", "alt", "title")
    body = "".join(
        "<p><img "
        + " ".join(f"{name}={quote}{html.escape(value)}{quote}" for name, value in zip(names, image, strict=True))
        + ">"
        for image in images
    )
    assert page(body).links == [ImageLink(*image, "") for image in images]


tag_pieces = (
    "<img src= alt= data-src= srcset= data-srcset=a.jpg <meta charset= name=robots content= noai <base href= < >"
)
other_pieces = (
    "<!-- --> <script> </script> <noscript> <template> <svg> <![CDATA[ ]]> <plaintext> <textarea> <?xml <! <html>"
)
characters = ["'", '"', "/", "=", "&", "&amp", "&#0;", "\0", "\f", " ", ",", "(", " 2x", " 9w", "ä", "\ufeff", "utf-16"]
fragments = st.sampled_from([*tag_pieces.split(), *other_pieces.split(), *characters])


@given(st.lists(fragments | st.text(max_size=3), max_size=30), st.sampled_from(["", "; charset=big5", "; charset=x"]))
def test_any_tags_are_read(pieces: list[str], charset: str) -> None:
    body = "".join(pieces).encode("utf-8", "surrogatepass")
    found = page_of_response(block(b"<img src=a>" + body, "Content-Type: text/html" + charset), URL)
    assert found is not None
    assert found.links[0].url == "a"
    assert len(found.links) <= 2 * (1 + body.count(b"<img"))


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html><img src=a>", block(b"<img ")]),
    st.text(max_size=5),
)
def test_any_bytes_raise_nothing_but_a_value_error(data: bytes, start: bytes, payload_type: str) -> None:
    try:
        page_of_response(start + data, URL, payload_type)
    except ValueError as error:
        assert not start
        assert "no HTTP response" in str(error)


def records(path: Path) -> list[Record]:
    with path.open("rb") as file:
        return list(read_records(file, InputStats(str(path)), 32 << 20))


def html_pages(path: Path) -> dict[str, tuple[bytes, Page | None]]:
    responses = [record for record in records(path) if record.headers["warc-type"] == "response"]
    urls = [record.headers["warc-target-uri"] for record in responses]
    bodies = [bytes(record.body) for record in responses]
    return {url: (body, page_of_response(body, url)) for url, body in zip(urls, bodies, strict=True)}


def wat_pages(path: Path) -> dict[str, Page]:
    described = [record for record in records(path) if record.headers["warc-type"] == "metadata"]
    decoder = WatDecoder()
    pages = [decoder.page(record.body, record.headers["warc-target-uri"]) for record in described]
    return {found.url: found for found in pages if found is not None}


def as_in_a_wat(link: ImageLink) -> ImageLink:
    """A link as far as a WAT has it: data: URLs up to their comma, and no data-image-title."""
    return ImageLink(re.sub(r"(?s)^(data:[^,]*,).*", r"\1", link.url), link.alt, link.title)


def test_the_same_pages_as_wat_and_as_warc(real_data: Path) -> None:
    """All that the WAT has is there, and what is there besides is of two kinds."""
    wat = wat_pages(real_data / "wat" / "cc-sample.warc.wat.gz")
    counts: Counter[str] = Counter()
    for url, (body, found) in html_pages(real_data / "warc" / "cc-sample.warc.gz").items():
        links = found.links if found else []
        described = Counter(wat[url].links if url in wat else [])
        assert found is None or url not in wat or (found.base, found.opted_out) == (wat[url].base, wat[url].opted_out)
        counts["in both"] += (Counter(links) & described).total()
        changed = [link for link in links if as_in_a_wat(link) != link]
        counts["data: URL"] += sum(link.url.startswith("data:") for link in changed)
        counts["data-image-title"] += sum(link.data_image_title != "" for link in changed)
        comparable = Counter(map(as_in_a_wat, links))
        assert not described - comparable
        # A comment with more dashes than it needs goes on to the next end of a comment, for the WAT's extractor.
        more_dashes = re.search(rb"<!---|--->", body) is not None
        counts["beside comments" if more_dashes else "lazy"] += (comparable - described).total()
    assert counts == {"in both": 2463, "data: URL": 36, "data-image-title": 4, "lazy": 64, "beside comments": 118}
    assert sum(len(found.links) for found in wat.values()) == 2463 + 36 + 4


def test_an_old_crawl_as_wat_and_as_warc(real_data: Path) -> None:
    """Bodies are unpacked there, though their headers still say gzip."""
    wat = wat_pages(real_data / "wat" / "CC-MAIN-2014-35.warc.wat")
    warc = html_pages(real_data / "warc" / "CC-MAIN-2014-35.warc")
    # The WAT at hand has the first records only.
    assert [(url, len(found.links)) for url, found in wat.items()] == [(next(iter(wat)), 4)]
    for url, found in wat.items():
        page = warc[url][1]
        assert page is not None
        # That extractor left out the rel of links.
        assert page.license_links == ("http://creativecommons.org/licenses/by-sa/3.0/",) * 2
        assert page._replace(license_links=()) == found
    assert sorted(len(found.links) for _, found in warc.values() if found) == [3, 4, 854]
