"""Texts and URLs of links."""

from __future__ import annotations

import pytest

from metaclip_curate.extract.links import (
    Drop,
    ImageLink,
    clean_text,
    document_base,
    link_texts,
    resolve_url,
)

PAGE = "https://example.org/a/b/page.html?q=1"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  two\nlines\r\nand a\ttab ", "two lines  and a tab"),
        ("\u00a0no-break\u3000", "no-break"),
        ("\ud83d half", "\ufffd half"),
        ("nul\0inside", "nul\0inside"),
        (" \n\t ", ""),
    ],
)
def test_clean_text(raw: str, text: str) -> None:
    assert clean_text(raw) == text


def test_each_attribute_is_a_text_in_a_fixed_order() -> None:
    link = ImageLink("x.jpg", "an alt", " ", "a data title")
    assert link_texts(link) == [("an alt", "alt"), ("a data title", "data-image-title")]


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
        ("x" * 100_000, "https://example.org/a/b/" + "x" * 100_000),
    ],
)
def test_resolve_url(url: str, expected: str | Drop) -> None:
    assert resolve_url(url, PAGE) == expected


def test_an_absolute_url_needs_no_base() -> None:
    assert resolve_url("http://a/b.jpg", "no url") == "http://a/b.jpg"
    assert resolve_url("b.jpg", "no url") is Drop.BAD_URL
    assert document_base("no url", "http://a/b/") == "http://a/b/"


@pytest.mark.parametrize(
    ("href", "base"),
    [
        ("", PAGE),
        ("/images/", "https://example.org/images/"),
        ("http://other.example/", "http://other.example/"),
        ("http://[bad", PAGE),
        ("data:text/plain,x", PAGE),
        ("javascript:0", PAGE),
    ],
)
def test_document_base(href: str, base: str) -> None:
    assert document_base(PAGE, href) == base
