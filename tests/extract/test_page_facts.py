"""The language and the licence that a page declares, from WAT records and from HTML."""

from __future__ import annotations

import json
from typing import Any

import pytest

from metaclip_curate.extract.html import page_of_response
from metaclip_curate.extract.links import Page
from metaclip_curate.extract.page_facts import is_license_link, license_url, page_language
from metaclip_curate.extract.urls import DocumentBase
from metaclip_curate.extract.wat import WatDecoder

PAGE = "https://example.org/a/"
BY = "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("declared", "language"),
    [("", ""), (" en-US ", "en-us"), ("x" * 40, "x" * 35), ("\ud800", "\ufffd"), ("İ", "i̇")],
)
def test_languages(declared: str, language: str) -> None:
    assert page_language(declared) == language


@pytest.mark.parametrize(
    ("rel", "found"), [("license", True), ("nofollow\nLICENSE", True), ("licensed", False), ("", False)]
)
def test_links_to_a_licence(rel: str, found: bool) -> None:
    assert is_license_link(rel) is found


@pytest.mark.parametrize(
    ("hrefs", "url"),
    [
        ([BY], BY),
        (["/terms", BY, "http://creativecommons.org/publicdomain/zero/1.0/"], BY),
        (
            ["//www.creativecommons.org/publicdomain/zero/1.0/#x"],
            "https://www.creativecommons.org/publicdomain/zero/1.0/",
        ),
        (["https://creativecommons.org/"], ""),
        (["https://creativecommons.org.example/licenses/by/4.0/"], ""),
        (["https://example.org/creativecommons.org/licenses/by/4.0/"], ""),
        (["http://["], ""),
        ([], ""),
    ],
)
def test_the_first_licence_of_creative_commons_counts(hrefs: list[str], url: str) -> None:
    assert license_url(hrefs, DocumentBase(PAGE)) == url


def wat(links: list[Any], metas: list[Any], odd: Any = None) -> Page:
    links = [{"path": "IMG@/src", "url": "a.jpg", "alt": "a"}, *links]
    head = {"Metas": metas} if odd is None else {"Metas": metas, "Base": odd}
    html = {"Head": head, "Links": links}
    envelope = {"Payload-Metadata": {"HTTP-Response-Metadata": {"HTML-Metadata": html}}}
    found = WatDecoder().page(json.dumps({"Envelope": envelope}).replace("/", "\\/").encode(), PAGE)
    assert found is not None and found.links
    return found


@pytest.mark.parametrize("odd", [None, ["a base is no list, so that the record is decoded without types"]])
def test_a_wat_record(odd: Any) -> None:
    licence = {"path": "A@/href", "url": BY, "rel": "license"}
    other = {"path": "A@/href", "url": "https://creativecommons.org/", "rel": "nofollow"}
    metas = [{"name": "robots", "content": "all"}, {"name": "HTML@/lang", "content": "de-AT"}]
    found = wat([other, licence], metas, odd)
    assert (found.language, found.license_links) == ("de-AT", (BY,))
    found = wat([], metas[:1], odd)
    assert (found.language, found.license_links) == ("", ())


def test_a_wat_record_is_searched_only_if_it_names_creative_commons(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []
    real = WatDecoder._license_links

    def license_links(self: WatDecoder, body: Any) -> tuple[str, ...]:
        searched.append(body)
        return real(self, body)

    monkeypatch.setattr(WatDecoder, "_license_links", license_links)
    assert wat([{"path": "A@/href", "url": "/terms", "rel": "license"}], []).license_links == ()
    assert not searched
    assert wat([{"path": "A@/href", "url": BY, "rel": "license"}], []).license_links == (BY,)
    assert len(searched) == 1


@pytest.mark.parametrize("tag", ["a", "link", "area"])
def test_an_html_page(tag: str) -> None:
    body = f'<html lang="de-AT"><img src=a.jpg alt=a><{tag} rel="LICENSE nofollow" href="{BY}">'
    found = page_of_response(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body.encode(), PAGE)
    assert found is not None
    assert (found.language, found.license_links) == ("de-AT", (BY,))
    plain = body.replace(BY, "/terms").replace(' lang="de-AT"', "")
    found = page_of_response(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + plain.encode(), PAGE)
    assert found is not None
    assert (found.language, found.license_links) == ("", ())
