"""report.html: whole, small, the same twice, and safe from what the web wrote."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from metaclip_curate.report.facts import Curation, Facts, Picture
from metaclip_curate.report.hint import thinning_hint
from metaclip_curate.report.page import fingerprint_mark, render
from metaclip_curate.run.funnel import Funnel, Step
from tests.support.made_facts import ATTACK, made_facts


class Elements(HTMLParser):
    """Collects elements and what would be fetched."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.addresses: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)


def test_what_the_web_wrote_is_text() -> None:
    page = render(made_facts(), drawing="")
    found = Elements(page)
    assert "img" not in found.tags
    assert found.tags["script"] == 2  # the data and page.js
    assert all(address.startswith(("#", "data:,")) for address in found.addresses)
    drawn = Elements(render(made_facts(), drawing="x = 1"))
    others = {address for address in drawn.addresses if not address.startswith(("#", "data:,"))}
    assert all(re.fullmatch(r"figures/[a-z-]+\.(svg|png|csv)", address) for address in others)
    assert len(others) == 3 * 8
    assert ATTACK.encode() not in page
    assert page.count(b"&lt;script&gt;document.title") > 10


def test_what_was_kept_out_is_counted_and_shown_on_a_click_only() -> None:
    page = render(made_facts(), drawing="").decode()
    section = page[page.index('<section id="kept-out">') :].partition("</section>")[0]
    assert "rejected 60 of 1,000 distinct pairs." in section
    assert "3 uids, URLs, hosts or image ids were taken down." in section
    assert "Rejected pairs by language: Language 000 50, languages without metadata 10." in section
    rows = re.findall(r'<th scope="row">(.*?)</th>', section)
    assert [row.partition(" ")[0] for row in rows] == ["from", "from", "−", "with"]  # a rule is below its reason
    hosts, words = re.findall(r"<details>(.*?)</details>", section, re.DOTALL)
    assert '<div class="plain">' in hosts and '<td class="text">' in hosts
    assert '<div class="blurred">' in words and words.count('<td class="text" tabindex="0">') == 5
    assert "text 0" not in re.sub(r"<details>.*?</details>", "", section, flags=re.DOTALL)
    facts = made_facts()
    assert facts.pairs
    veiled = dataclasses.replace(facts.pairs.sample[0], text="rejected text", blurred=True)
    sampled = dataclasses.replace(facts, pairs=dataclasses.replace(facts.pairs, sample=(veiled,)))
    assert '<td class="text veiled" tabindex="0"><bdi dir="auto">rejected text' in render(sampled, drawing="").decode()
    nothing = dataclasses.replace(made_facts(), screened=None)
    assert 'id="kept-out"' not in render(nothing, drawing="").decode()


def test_what_was_kept_out_before_the_download_or_taken_down_is_shown_without_rejected_pairs() -> None:
    facts = made_facts()
    assert facts.screened
    out = dataclasses.replace(facts.screened, pairs=0, reasons=(), rules=(), languages=(), removed=0)

    def section(**given: Any) -> str:
        found = dataclasses.replace(facts, screened=dataclasses.replace(out, **given))
        return render(found, drawing="").decode().partition('<section id="kept-out">')[2].partition("</section>")[0]

    assert section() == ""
    before = section(before=(("from a listed host", 12_000), ("with a listed word", 1)))
    assert "screens had rejected pairs: 12,000 from a listed host, 1 with a listed word." in before
    assert "<table" not in before
    assert "3 uids, URLs, hosts or image ids were taken down." in section(removed=3)


def test_what_images_were_rejected_for_is_of_pairs_with_an_image() -> None:
    facts = made_facts()
    assert facts.screened
    out = dataclasses.replace(facts.screened, kind="pairs with a downloaded image")
    page = render(dataclasses.replace(facts, screened=out), drawing="").decode()
    assert "rejected 60 of 1,000 pairs with a downloaded image." in page


def test_licences_of_distinct_and_kept_pairs() -> None:
    def rows(facts: Facts) -> list[list[str]]:
        page = render(facts, drawing="").decode()
        section = page[page.index('<section id="licences">') :].partition("</section>")[0]
        body = section.partition("<tbody>")[2]
        return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]

    facts = made_facts()
    assert rows(facts) == [["by", "70", "0"], ["by-sa", "30", "20"], ["none, or another one", "900", "580"]]
    assert rows(dataclasses.replace(facts, pairs=None)) == [["by-sa", "20"], ["none, or another one", "580"]]
    assert facts.pairs
    none = dataclasses.replace(facts, pairs=dataclasses.replace(facts.pairs, licenses={"": 1000}), curation=None)
    assert 'id="licences"' not in render(none, drawing="").decode()


def test_the_policy_allows_its_own_scripts_alone() -> None:
    for drawing, allowed in (("", 1), ("window.vegaEmbed = null", 2)):
        policy = re.search(rb'Content-Security-Policy" content="([^"]*)"', render(made_facts(), drawing))
        assert policy
        directives = dict(part.split(" ", 1) for part in policy[1].decode().replace("&#39;", "'").split("; "))
        assert directives["default-src"] == "'none'"
        assert "unsafe-inline" not in directives["script-src"]
        assert directives["script-src"].count("'sha256-") == allowed


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render(made_facts(), "x") == render(made_facts(), "x")
    assert fingerprint_mark("0123456789abcdef").encode() in render(made_facts(), "")[:4096]


@pytest.mark.slow
def test_three_hundred_languages_are_small() -> None:
    page = render(made_facts(languages=300, entries=3000), drawing="")
    assert len(page) < 2_000_000  # the drawing library adds 0.9 MB
    data = re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data
    scopes = json.loads(data[1])["scopes"]
    assert len(scopes) == 301
    assert all(len(curve["x"]) > 1 for scope in scopes.values() for curve in scope["curves"].values())


def test_pictures_are_in_the_page_and_blurred() -> None:
    picture = Picture("0" * 32, f"text {ATTACK}", "en", "data:image/jpeg;base64,AAAA", 160, 90)
    page = render(dataclasses.replace(made_facts(), pictures=(picture,)), drawing="")
    found = Elements(page)
    assert found.tags["img"] == 1
    assert "data:image/jpeg;base64,AAAA" in found.addresses
    assert b'class="pictures blurred"' in page
    assert ATTACK.encode() not in page


def test_a_t_that_keeps_nearly_all_is_named() -> None:
    facts = made_facts()
    assert facts.curation
    assert "little is balanced" not in render(facts, "").decode()
    curation = with_expectations(facts.curation, [200.0, 350.0, 470.0, 475.0, 480.0])
    page = render(dataclasses.replace(facts, curation=curation), "").decode()
    assert "This run keeps 97.9% of the matched pairs" in page
    assert '<a href="#t=20">t = 20</a> would thin the head and keep 350 pairs (72.9%)' in page
    first = with_expectations(facts.curation, [450.0, 460.0, 470.0, 475.0, 480.0])
    hint = thinning_hint(first)
    assert hint and hint.label == "t = 10"


def with_expectations(curation: Curation, pairs: list[float]) -> Curation:
    tried = tuple(
        dataclasses.replace(each, expected={name: number / len(each.expected) for name in each.expected})
        for each, number in zip(curation.tried, pairs, strict=True)
    )
    return dataclasses.replace(curation, tried=tried)


def test_a_run_that_has_begun() -> None:
    facts = Facts(
        "run",
        "f" * 16,
        Funnel(steps=(Step("image_links", "image links", 0),)),
        missing=("The stage match isn't finished.",),
    )
    page = render(facts, "").decode()
    assert "The stage match isn&#39;t finished." in page
    assert 'id="language-table"' not in page


def test_a_report_with_links_to_figures_says_once_that_the_folder_belongs_to_it() -> None:
    line = "lead to the folder <code>figures</code> beside this file"
    for facts in (made_facts(), dataclasses.replace(made_facts(), curation=None)):
        assert render(facts, "x = 1").decode().count(line) == 1
        assert line not in render(facts, "").decode()


def test_a_run_made_from_anothers_manifest() -> None:
    page = render(dataclasses.replace(made_facts(), pairs=None), "").decode()
    assert "Image hosts of kept pairs" in page
    assert "Image hosts of distinct pairs" not in page
