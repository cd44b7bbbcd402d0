"""Decoding WAT records of the expected shape and of any other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclip_curate.extract.links import ImageLink, Page
from metaclip_curate.extract.wat import WatDecoder, crawl_of_warcinfo

URL = "http://example.org/"
IMAGE = {"path": "IMG@/src", "url": "a.jpg", "alt": "an alt"}


def wat(html: Any, headers: Any = None) -> dict[str, Any]:
    response = {"Headers": headers or {}, "HTML-Metadata": html}
    return {"Envelope": {"Payload-Metadata": {"HTTP-Response-Metadata": response}}}


def decode(value: Any) -> Any:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return WatDecoder().page(body, URL)


def test_images_and_nothing_else() -> None:
    others = [{"path": "A@/href", "url": "b"}, {"path": "IMG@/srcset", "url": "c"}, {"url": "d"}]
    page = decode(wat({"Head": {"Base": "/x/"}, "Links": [*others, IMAGE, {"path": "IMG@/src"}]}))
    assert page.links == [ImageLink("a.jpg", "an alt", "", ""), ImageLink("", "", "", "")]
    assert (page.url, page.base, page.opted_out) == (URL, "/x/", False)


def test_a_title_in_a_data_attribute() -> None:
    page = decode(wat({"Links": [IMAGE | {"data-image-title": "t", "title": "u"}]}))
    assert page.links == [ImageLink("a.jpg", "an alt", "u", "t")]


@pytest.mark.parametrize(
    ("html", "headers"),
    [
        ({"Head": {"Metas": [{"name": "robots", "content": "noai"}]}}, {}),
        ({}, {"X-Robots-Tag": "noai"}),
        ({}, {"X-Robots-Tag": ["noindex", "noai"]}),
        ({"Head": {"Metas": [{"name": 1}, {"name": "tdm-reservation", "content": "1"}]}}, {}),
    ],
)
def test_opt_out(html: dict[str, Any], headers: dict[str, Any]) -> None:
    assert decode(wat(html | {"Links": [IMAGE]}, headers)).opted_out


@pytest.mark.parametrize("value", [{}, {"Envelope": {}}, {"Envelope": None}, [], 5])
def test_records_of_no_page(value: Any) -> None:
    assert decode(value) is None


@pytest.mark.parametrize("html", [{}, {"Links": []}, {"Links": None}, {"Links": [{"path": "A@/href", "url": "b"}]}])
@pytest.mark.parametrize("more", [{}, {"filling": "x" * 10_000}, {"filling": "IMG@"}], ids=["small", "large", "marked"])
def test_pages_without_images(html: dict[str, Any], more: dict[str, str]) -> None:
    assert decode(wat(html | more)) == Page(URL, "", False, [])


@pytest.mark.parametrize(
    "odd",
    [
        {"Links": [IMAGE, 5, None, [], "IMG@/src"]},
        {"Links": [IMAGE, {"path": "A@/href", "url": {}}]},
        {"Links": [IMAGE], "Head": []},
        {"Links": [IMAGE], "Head": {"Base": 5, "Metas": {"name": "robots"}}},
        {"Links": [IMAGE], "Head": {"Metas": ["robots", {"name": ["robots"], "content": "noai"}]}},
    ],
)
def test_an_odd_neighbour_costs_nothing(odd: dict[str, Any]) -> None:
    page = decode(wat(odd))
    assert page.links == [ImageLink("a.jpg", "an alt", "", "")]
    assert not page.opted_out


def test_values_of_another_type_count_as_missing() -> None:
    page = decode(wat({"Links": [{"path": "IMG@/src", "url": 5, "alt": ["x"], "title": "kept"}]}))
    assert page.links == [ImageLink("", "", "kept", "")]


def test_text_that_is_no_unicode_or_no_json_string() -> None:
    body = json.dumps(wat({"Links": [IMAGE]})).encode().replace(b"an alt", b"bad \xff and \\ud800 and \x01")
    assert decode(body).links[0].alt == "bad \ufffd and \ud800 and \x01"


@pytest.mark.parametrize(
    "body", [b'{"IMG@/src', b"IMG@ no json", b'{"IMG@": ' + b"[" * 100_000, b"[9" + b"9" * 5000 + b', "IMG@"]']
)
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        decode(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("IMG@/src"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["path", "url", "alt", "Links", "Head", "Metas", "Base", "name", "content"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, json_values)
def test_any_shape_is_read(html: Any, headers: Any) -> None:
    page = decode(json.dumps(wat(html, headers) | {"mark": "IMG@"}).encode())
    links = page.links if page else []
    assert all(isinstance(value, str) for link in links for value in (link.url, link.alt, link.title))
    assert len(links) <= json.dumps(html).count("IMG@/src")


@pytest.mark.parametrize(
    ("body", "crawl"),
    [
        (b'{"WARC-Info-Metadata":{"isPartOf":"CC-MAIN-2014-35","x":1}}', "CC-MAIN-2014-35"),
        (b"Software-Info: x\r\nisPartOf: CC-MAIN-2021-17\r\noperator: y\r\n", "CC-MAIN-2021-17"),
        # It would stand in every row.
        (b"isPartOf: CC-" + b"x" * 1_000_000, ""),
        (b"Software-Info: x\r\n", ""),
    ],
)
def test_crawl_of_warcinfo(body: bytes, crawl: str) -> None:
    assert crawl_of_warcinfo(body) == crawl
