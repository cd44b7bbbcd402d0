"""URLs as browsers resolve them, the short way and the long."""

from __future__ import annotations

import ada_url
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metaclip_curate.extract.links import Drop
from metaclip_curate.extract.urls import MAX_URL_BYTES, DocumentBase, resolve_absolute, resolve_urls
from tests.support import oracle

PAGE = "https://example.org/a/b/page.html?q=1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("c.jpg", "https://example.org/a/b/c.jpg"),
        ("/c.jpg", "https://example.org/c.jpg"),
        ("../../../c.jpg", "https://example.org/c.jpg"),
        ("//cdn.example.org/c.jpg", "https://cdn.example.org/c.jpg"),
        ("?w=2", "https://example.org/a/b/page.html?w=2"),
        ("#top", PAGE),
        (" c d.jpg\n", "https://example.org/a/b/c%20d.jpg"),
        ("c.jpg#part", "https://example.org/a/b/c.jpg"),
        ("HTTP://EXAMPLE.org:80/%7e/\u00e4?\u00e4", "http://example.org/%7e/%C3%A4?%C3%A4"),
        ("http://b\u00fccher.example/\u4e2d.jpg", "http://xn--bcher-kva.example/%E4%B8%AD.jpg"),
        ("https:c.jpg", "https://example.org/a/b/c.jpg"),
        ("\\c.jpg", "https://example.org/c.jpg"),
        ("\ud800.jpg", "https://example.org/a/b/%EF%BF%BD.jpg"),
        ("", Drop.BAD_URL),
        (" \t\n", Drop.BAD_URL),
        ("http://[bad/", Drop.BAD_URL),
        ("http://a:99999/", Drop.BAD_URL),
        ("https://", Drop.BAD_URL),
        ("http://exa mple/", Drop.BAD_URL),
        ("data:image/gif;base64,R0lG", Drop.NOT_HTTP),
        ("javascript:void(0)", Drop.NOT_HTTP),
        ("file:///c.jpg", Drop.NOT_HTTP),
        ("blob:https://example.org/1", Drop.NOT_HTTP),
        ("x" * 8168, "https://example.org/a/b/" + "x" * 8168),
        ("x" * 8169, Drop.BAD_URL),
        ("x" * 100_000, Drop.BAD_URL),
        ("c.jpg?" + "x" * 8163, Drop.BAD_URL),
        ("c.jpg#" + "x" * 100_000, "https://example.org/a/b/c.jpg"),
        ("\u4e2d" * 907 + "x" * 5, "https://example.org/a/b/" + "%E4%B8%AD" * 907 + "x" * 5),
        ("\u4e2d" * 907 + "x" * 6, Drop.BAD_URL),
        ("../" * 10_000 + "c.jpg", "https://example.org/c.jpg"),
        ("data:," + "x" * 100_000, Drop.NOT_HTTP),
        ("ftp://user:word@example.org/" + "x" * 100_000, Drop.NOT_HTTP),
        ("https://user:word@example.org/c.jpg", Drop.BAD_URL),
        ("https://user@example.org/c.jpg", Drop.BAD_URL),
        ("https://:word@example.org/c.jpg", Drop.BAD_URL),
        ("//us%65r:w@example.org:8080/c.jpg", Drop.BAD_URL),
        ("https:\\\\user@example.org\\c.jpg", Drop.BAD_URL),
        ("https://@example.org/c.jpg", "https://example.org/c.jpg"),
        ("https://:@example.org/c.jpg", "https://example.org/c.jpg"),
        ("https://example.org/user:word@c.jpg?@#@", "https://example.org/user:word@c.jpg?@"),
    ],
)
def test_resolve_url(url: str, expected: str | Drop) -> None:
    assert DocumentBase(PAGE).resolve(url) == expected
    assert one_of_many(url, PAGE) == expected


def one_of_many(url: str, base: str) -> str | Drop:
    urls, dropped = resolve_urls(["", url, "", "x.jpg"], [DocumentBase(base)] * 4)
    assert dropped[0] is dropped[2] is Drop.BAD_URL
    assert (1 in dropped) == (urls[1] == "")
    return dropped.get(1, urls[1])


def test_an_absolute_url_needs_no_base() -> None:
    assert DocumentBase("no url").resolve("http://a/b.jpg") == "http://a/b.jpg"
    assert DocumentBase("no url").resolve("b.jpg") is Drop.BAD_URL
    assert DocumentBase("no url", "http://a/b/").href == "http://a/b/"


@pytest.mark.parametrize(
    ("href", "base"),
    [
        ("", PAGE),
        ("/images/", "https://example.org/images/"),
        ("http://other.example/", "http://other.example/"),
        ("http://[bad", PAGE),
        ("data:text/plain,x", PAGE),
        ("javascript:0", PAGE),
        ("/" + "x" * 8171 + "/", "https://example.org/" + "x" * 8171 + "/"),
        ("/" + "x" * 8172 + "/", PAGE),
        ("/images/#" + "x" * 10_000, "https://example.org/images/"),
        ("https://example.org/images/?" + "\u4e2d" * 1000, PAGE),
    ],
)
def test_document_base(href: str, base: str) -> None:
    assert DocumentBase(PAGE, href).href == base


@pytest.mark.parametrize("base", ["", "/", "https://other.example/"])
@pytest.mark.parametrize(
    "page",
    [
        "https://example.org/" + "x" * 8173,
        "https://example.org/" + "\u4e2d" * 2725,
        "https://user:word@example.org/",
        "https://user@example.org/a/b/@/c",
        "ftp://user:word@example.org/",
        "https://user:word@no host/",
    ],
)
def test_links_of_a_page_whose_own_address_is_bad_are_bad(page: str, base: str) -> None:
    document = DocumentBase(page, base)
    urls = [
        "http://a.example/b.jpg",
        "b.jpg",
        "/b.jpg",
        "//a.example/b.jpg",
        "",
        "data:image/gif;base64,R0",
        "ftp://a/",
    ]
    assert {document.resolve(url) for url in urls} == {Drop.BAD_URL}
    found, dropped = resolve_urls(urls, [document] * len(urls))
    assert (found, dropped) == ([""] * len(urls), dict.fromkeys(range(len(urls)), Drop.BAD_URL))


@pytest.mark.parametrize(
    "page",
    ["https://example.org/" + "x" * 8172, "https://example.org/@user/", "https://@example.org/", "mailto:a@b.example"],
)
def test_other_pages_are_good(page: str) -> None:
    assert DocumentBase(page).resolve("https://a.example/b.jpg") == "https://a.example/b.jpg"


# Pieces that mean something to a URL parser, and some that are plain. Drawn in any order, about a third make URLs that
# take the short way.
PIECES = (
    *("u@", "u:w@", "http://u:w@a.example"),
    *("http:", "https:", "HTTP:", "ftp:", "data:", "//", "/", "\\", "?", "#", "@", ":", ";", ".", "..", "%2e", "%2E"),
    *(
        "a",
        "b.jpg",
        "img",
        "A.example",
        "a.example",
        "www.a-b.example",
        "xn--",
        "xn--bcher-kva",
        "b\u00fccher",
        "1",
        "0x7f",
    ),
    *(
        "a_b",
        "a..b",
        "-",
        "~",
        "|",
        "[",
        "]",
        "[::1]",
        "^",
        "`",
        "{",
        "'",
        '"',
        "<",
        " ",
        "\t",
        "\n",
        "\0",
        "%",
        "%41",
        "%zz",
    ),
    *(
        ":80",
        ":443",
        ":8080",
        ":99999",
        "=",
        "&",
        "+",
        "*",
        "$",
        "!",
        "(",
        ",",
        "\u4e2d",
        "\u00ad",
        "\ud800",
        "\x7f",
        "\u3002",
    ),
)
urls = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
plain_paths = st.text("abcXYZ019-_.~!$&()*+,;=:@%/?[]|", max_size=30)
bases = st.builds("{}{}".format, st.sampled_from(["https://a.example/", "http://b.example:81/x/y", PAGE]), urls)


@given(urls | st.builds("{}{}".format, urls, plain_paths), bases | urls)
@example("%2e/b.jpg", PAGE)
@example("a:b", PAGE)
@example("//a.example/../b", PAGE)
@example("http://a.b.0x1/c", PAGE)
@example("http://a.1/c", PAGE)
@example("b.jpg", "https://a.example/x/?y/z#v/w")
@example("../b.jpg", "https://a.example/x/y/z")
@example("../b.jpg", "https://a.example/x/y/")
@example("../b.jpg", "https://a.example/x")
@example("../b.jpg", "https://a.example//x")
@example("../b.jpg", "https://a.example/x//y?/z")
@example("../../b.jpg", "https://a.example/x/y/z")
@example("../", PAGE)
@example("../.b", PAGE)
@example("data:image/png;base64,", "nothing")
@example("data://[bad", PAGE)
@example("/b.jpg", "http://user:word@a.example:81/x")
@example("/\t/a.example/b.jpg", PAGE)
@example("http://a.example/b?'", PAGE)
def test_the_short_way_leads_where_the_parser_does(url: str, base: str) -> None:
    expected = Drop.BAD_URL if oracle.is_bad(base.replace("\ud800", "\ufffd")) else long_way(url, base)
    assert one_of_many(url, base) == DocumentBase(base).resolve(url) == expected


def long_way(url: str, base: str) -> str | Drop:
    url = url.replace("\ud800", "\ufffd")
    if not url.strip("".join(map(chr, range(0x21)))):
        return Drop.BAD_URL
    try:
        href = ada_url.join_url(base, url)
    except ValueError:
        try:
            href = ada_url.normalize_url(url)
        except ValueError:
            return Drop.BAD_URL
    if not href.startswith(("http://", "https://")):
        return Drop.NOT_HTTP
    href = str(href).partition("#")[0]
    return Drop.BAD_URL if oracle.is_bad(href) else href


# Long enough to come near the limit, of characters that grow when they are resolved and of others.
_long_paths = st.builds(
    lambda filler, length, end: filler * (length // len(filler)) + end,
    st.sampled_from(["x", "x/", "%2e/", "../", "\u4e2d", "\u00e4b", "{", "\n"]),
    st.integers(2700, 2740) | st.integers(8120, 8220),
    st.text("abc./?#@:", max_size=30),
)
_starts = ("", "/", "//a.example/", "http://a.example/", "https://user@a.example/", "https://a.example:8/", "?", "#")


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.sampled_from(_starts),
    _long_paths,
    bases,
    st.sampled_from(["", "/", "b/c/", "//user:word@b.example/"]) | _long_paths,
)
def test_the_ways_agree_about_long_urls_and_long_bases(start: str, path: str, page: str, href: str) -> None:
    base = DocumentBase(page, href)
    one = base.resolve(start + path)
    urls, dropped = resolve_urls([start + path], [base])
    assert (urls, dropped) == ([""], {0: one}) if isinstance(one, Drop) else ([one], {})
    assert base.is_usable is not oracle.is_bad(page.replace("\ud800", "\ufffd"))
    assert one == (long_way(start + path, base.href) if base.is_usable else Drop.BAD_URL)
    assert not isinstance(one, str) or len(one.encode()) <= MAX_URL_BYTES


@given(plain_paths, st.sampled_from(["", "/", "//", "http://a.example/", "https://www.a-b.example"]))
def test_both_ways_agree_with_another_implementation(path: str, start: str) -> None:
    expected = oracle.resolve(start + path, PAGE) if (start + path).strip() else None
    found = one_of_many(start + path, PAGE)
    if expected is None or (expected.startswith("http") and oracle.is_bad(expected)):
        assert found is Drop.BAD_URL
    elif not expected.startswith(("http://", "https://")):
        assert found is Drop.NOT_HTTP
    else:
        assert found == expected.partition("#")[0]


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://www.a-b.example/x_1/y%20z.jpg?w=1&h=[2]", PAGE),
        ("//cdn.example/x.jpg", PAGE),
        ("/x.jpg?v=1", PAGE),
        ("x.jpg", PAGE),
        ("x/y.z/w.jpg", "http://a.example/"),
        ("../x.jpg", PAGE),
    ],
)
def test_plain_urls_take_the_short_way(url: str, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = DocumentBase(page)
    monkeypatch.setattr(ada_url, "join_url", None)
    assert resolve_urls([url], [base]) == ([oracle.resolve(url, page)], {})


def test_urls_without_a_page_are_resolved_as_each_alone() -> None:
    urls = ["https://a.example/1.jpg", "HTTP://A.example/x/../2", "//a.example/3", "/4", "5", "", "ftp://a.example/6"]
    urls += [
        "https://a.example/7#part",
        "https://u:p@a.example/8",
        "https://例え.example/9",
        "data:image/png,x",
        "https://",
    ]
    found, dropped = resolve_absolute(pa.array(urls))
    alone = [DocumentBase("").resolve(url) for url in urls]
    assert found.to_pylist() == ["" if isinstance(each, Drop) else each for each in alone]
    assert dropped == {index: each for index, each in enumerate(alone) if isinstance(each, Drop)}
    assert sum(not isinstance(each, Drop) for each in alone) == 4
