"""The page in a browser: nothing is asked for, tables sort, charts follow t and the language, and axe finds nothing."""

from __future__ import annotations

import dataclasses
import re
import shutil
import time
import zlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.report import figures
from metaclip_curate.report.facts import Picture
from metaclip_curate.report.page import render
from tests.support.made_facts import made_facts

pytestmark = pytest.mark.slow

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
LANGUAGES = 300
DESKTOP, PHONE = (1280, 900), (390, 844)
CHART_HEIGHTS = """() => Object.fromEntries([...document.querySelectorAll('.chart[id]')]
    .map(chart => [chart.id, chart.getBoundingClientRect().height]))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, headless."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine: Debian's package is chromium")
    with playwright.sync_playwright() as driver:
        # Chromium's sandbox doesn't start as root, which CI is; the page is the test's own.
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 300 languages whose texts are full of markup."""
    library = figures.converter()
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(render(made_facts(LANGUAGES), figures.script(library) if library else ""))
    return path


@pytest.fixture(scope="module")
def small_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three languages, with pictures and with options that are opened by a click."""
    library = figures.converter()
    path = tmp_path_factory.mktemp("small") / "report.html"
    pictures = (Picture("0" * 32, "text", "en", "data:image/gif;base64,", 160, 90),)
    provenance = {"Options": {f"option {number}": "1" for number in range(20)}}
    facts = dataclasses.replace(made_facts(), pictures=pictures, provenance=provenance)
    path.write_bytes(render(facts, figures.script(library) if library else ""))
    return path


class Opened:
    """A page, and what it asked for and complained of.

    Args:
        browser: Chromium.
        path: The report.
        size: Of the window, in CSS pixels.
        scheme: Whether the browser prefers `light` or `dark`.
        fragment: Of the address.
    """

    def __init__(
        self, browser: Any, path: Path, size: tuple[int, int], scheme: str = "light", fragment: str = ""
    ) -> None:
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.goto(path.as_uri() + fragment)

    def _listen(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def column(self, table: str, place: int) -> list[str]:
        """The texts of a table's visible cells in a column."""
        found: list[str] = self.page.eval_on_selector_all(
            f"#{table} tbody tr:not([hidden])", f"rows => rows.map(row => row.cells[{place}].textContent.trim())"
        )
        return found

    def resting_place(self, section: str) -> int:
        """Where the top of a section is once the page has stopped scrolling, in pixels below the window's top."""
        place, still = "", 0
        while still < 4:
            self.page.wait_for_timeout(100)
            before, place = place, str(self.page.evaluate("scrollY"))
            still = still + 1 if place == before else 0
        top: float = self.page.eval_on_selector(f"#{section}", "section => section.getBoundingClientRect().top")
        return round(top)

    def scroll_through(self) -> None:
        """Brings every chart near the window once, and waits until all are drawn."""
        for place in self.page.query_selector_all("[data-chart]"):
            place.scroll_into_view_if_needed()
            if figures.converter():
                self.page.wait_for_function("place => place.querySelector('svg path')", arg=place)


@pytest.fixture
def desktop(browser: Any, report: Path) -> Iterator[Opened]:
    opened = Opened(browser, report, DESKTOP)
    yield opened
    opened.page.close()


def test_nothing_is_asked_for_and_nothing_goes_wrong(desktop: Opened, report: Path) -> None:
    desktop.scroll_through()
    assert desktop.requests == [report.as_uri()]
    assert desktop.complaints == []
    assert desktop.page.title().startswith("run <script>")  # shown, not run
    assert desktop.page.query_selector("img") is None


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_links_to_sections_lead_there_and_charts_do_not_move_them(
    browser: Any, report: Path, size: tuple[int, int]
) -> None:
    opened = Opened(browser, report, size, fragment="#samples")
    assert opened.resting_place("samples") == 16
    heights = opened.page.evaluate(CHART_HEIGHTS)
    for link in ("#samples", "#balance", "#pairs", "#entries", "#samples"):
        opened.page.eval_on_selector(f"nav a[href='{link}']", "link => link.click()")
        assert opened.resting_place(link[1:]) == 16, link
    opened.scroll_through()
    assert opened.page.evaluate(CHART_HEIGHTS) == heights
    # Nothing is reserved that stays empty.
    empty = opened.page.eval_on_selector_all(
        "[data-chart]:has(svg)", "all => all.map(each => each.clientHeight - each.querySelector('svg').clientHeight)"
    )
    assert all(0 <= pixels <= 24 for pixels in empty), empty
    opened.page.close()


def test_the_table_of_languages_sorts_and_is_searched_without_a_pause(desktop: Opened) -> None:
    heading = "#language-table thead th:nth-child(10)"
    started = time.monotonic()
    desktop.page.click(f"{heading} button")
    desktop.page.wait_for_selector(f"{heading}[aria-sort=descending]")
    numbers = [int(cell) for cell in desktop.column("language-table", 9)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == LANGUAGES
    desktop.page.click(f"{heading} button")
    desktop.page.wait_for_selector(f"{heading}[aria-sort=ascending]")
    assert [int(cell) for cell in desktop.column("language-table", 9)] == numbers[::-1]
    desktop.page.fill("#search", "language 29")
    assert len(desktop.column("language-table", 0)) == 10
    assert desktop.page.inner_text("#found") == "10 languages"
    desktop.page.fill("#search", "L123")
    assert desktop.column("language-table", 0) == ["Language 123 l123"]
    assert time.monotonic() - started < 10  # a loaded machine; by itself it is less than one


def drawing_of(opened: Opened, chart: str) -> str:
    drawn: str = opened.page.inner_html(f"#{chart} .drawing")
    return drawn


def wait_for_another(opened: Opened, chart: str, drawing: str) -> None:
    if figures.converter():
        opened.page.wait_for_function(
            "([chart, before]) => document.querySelector(`#${chart} .drawing`).innerHTML !== before",
            arg=[chart, drawing],
        )


def test_a_language_that_is_picked_changes_charts_lists_and_the_link(desktop: Opened, report: Path) -> None:
    desktop.scroll_through()
    before = drawing_of(desktop, "kept-by-t")
    desktop.page.click("#language-table a[href='#language=l007']")
    desktop.page.wait_for_function("document.querySelector('#scope').value === 'l007'")
    assert desktop.page.inner_text("#entries-scope") == "Language 007"
    assert desktop.page.inner_text("#scope-numbers").startswith("200 of 400 entries occur in a text")
    wait_for_another(desktop, "kept-by-t", before)
    desktop.page.select_option("#scope", "l008")
    assert desktop.page.evaluate("location.hash") == "#language=l008"
    desktop.page.goto("about:blank")
    desktop.page.goto(f"{report.as_uri()}#language=l009&t=80")
    assert desktop.page.input_value("#scope") == "l009"
    assert desktop.page.inner_text("#stop-label") == "80"


def test_the_keyboard_moves_t_and_with_it_numbers_and_curves(desktop: Opened) -> None:
    desktop.scroll_through()
    facts = made_facts(LANGUAGES)
    assert facts.curation
    charts = ("kept-by-t", "cumulative-counts", "ranked-counts", "head-and-tail")
    drawings = {chart: drawing_of(desktop, chart) for chart in charts}
    assert desktop.page.inner_text("#stop-label") == "40"
    assert "120,000 of 480,000 pairs expected (25.0%), at this run’s t" in desktop.page.inner_text("#stop-numbers")
    desktop.page.focus("#stop")
    desktop.page.keyboard.press("ArrowLeft")
    assert desktop.page.inner_text("#stop-label") == "20"
    assert desktop.page.get_attribute("#stop", "aria-valuetext") == "t = 20"
    assert "60,000 of 480,000 pairs expected (12.5%); 120,000" in desktop.page.inner_text("#stop-numbers")
    # t, tail share and expected pairs of a language are those of the stop, and its kept pairs are the run's.
    head = facts.curation.histograms["l000"].head(20)
    share = head.tail_before / (head.head_before + head.tail_before)
    row = [desktop.column("language-table", place)[0] for place in (4, 5, 8, 9)]
    assert row == ["20", f"{share:.1%}", "200.0", "800"]
    for chart, before in drawings.items():
        wait_for_another(desktop, chart, before)
    if figures.converter():
        assert ">kept by this run</text>" in drawing_of(desktop, "cumulative-counts")
    assert desktop.page.evaluate("location.hash") == "#t=20"
    desktop.page.get_by_role("button", name="reset to this run’s t").click()
    assert desktop.page.inner_text("#stop-label") == "40"
    assert desktop.column("language-table", 4)[0] == "40"


def test_an_entry_is_found_and_its_link_reopens_it(desktop: Opened, report: Path) -> None:
    desktop.page.fill("#entry-search", "Frequent in L01")
    of = "608 of the 60,000 matched entries"
    assert desktop.page.inner_text("#entries-found") == f"10 found among {of}"
    desktop.page.fill("#entry-search", "Nowhere")
    assert desktop.page.inner_text("#entry-results") == "None of the 608 entries that this page has contains “Nowhere”."
    desktop.page.fill("#entry-search", "")
    assert (
        desktop.page.inner_text("#entries-found") == f"searches {of}: the most frequent, and those of the lists above"
    )
    desktop.page.fill("#entry-search", "Frequent in L01")
    desktop.page.click("#entry-results a >> nth=3")
    desktop.page.wait_for_selector("#entry-texts:not([hidden])")
    assert desktop.page.inner_text("#entry-name") == "frequent in l013 Language 013, 90 of 700 texts kept"
    assert desktop.page.is_hidden("#entry-columns")
    link = desktop.page.evaluate("location.href")
    desktop.page.goto("about:blank")
    desktop.page.goto(link)
    assert desktop.page.inner_text("#entry-name").startswith("frequent in l013")


def test_texts_of_an_entry(desktop: Opened) -> None:
    desktop.page.click("#thinned-table tbody tr:nth-child(3) a")
    desktop.page.wait_for_selector("#dropped-texts li bdi")
    texts = desktop.page.eval_on_selector_all(
        "#dropped-texts li bdi", "all => all.map(each => [each.dir, each.innerText])"
    )
    assert len(texts) == 20
    assert desktop.page.inner_text("#dropped-heading") == "dropped: 20 of 440, chosen at random"
    assert texts[0][0] == "auto"
    assert "<script>" in texts[0][1]


def test_a_term_is_explained_by_the_keyboard(desktop: Opened) -> None:
    assert desktop.page.is_hidden("#term-head")
    desktop.page.focus("#balance button[popovertarget=term-head]")
    desktop.page.keyboard.press("Enter")
    assert desktop.page.is_visible("#term-head")
    desktop.page.keyboard.press("Escape")
    assert desktop.page.is_hidden("#term-head")


def test_pictures_are_blurred_until_they_are_selected(browser: Any, tmp_path: Path) -> None:
    pictures = tuple(Picture(f"{place:032x}", "text", "en", "data:image/gif;base64,", 160, 90) for place in range(3))
    path = tmp_path / "report.html"
    path.write_bytes(render(dataclasses.replace(made_facts(), pictures=pictures), ""))
    opened = Opened(browser, path, DESKTOP)
    blurred = "all => all.map(each => getComputedStyle(each).filter !== 'none')"
    assert opened.page.eval_on_selector_all(".picture img", blurred) == [True, True, True]
    opened.page.click(".picture >> nth=1")
    assert opened.page.eval_on_selector_all(".picture img", blurred) == [True, False, True]
    opened.page.check("#show-all")
    assert opened.page.eval_on_selector_all(".picture img", blurred) == [False, False, False]
    opened.page.close()


def lines_of(paper: bytes) -> int:
    """How many line segments a PDF draws."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", paper, re.DOTALL)
    return sum(len(re.findall(rb" l\b", zlib.decompressobj().decompress(each))) for each in streams if each[:1] == b"x")


@pytest.mark.skipif(figures.converter() is None, reason="vl-convert-python isn't installed")
def test_print_has_all_charts_and_what_can_be_opened(browser: Any, small_report: Path) -> None:
    scrolled, printed = (Opened(browser, small_report, DESKTOP, "dark") for _ in range(2))
    scrolled.scroll_through()
    expected, found = (lines_of(opened.page.pdf()) for opened in (scrolled, printed))
    assert expected > 1000
    assert found >= 0.95 * expected
    printed.page.emulate_media(media="print")
    assert printed.page.eval_on_selector_all("nav, .controls", "all => all.every(each => !each.checkVisibility())")
    assert printed.page.query_selector("#provenance details:not([open])") is None
    assert printed.page.query_selector("#kept-out details[open]") is None
    assert printed.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert printed.complaints == scrolled.complaints == []
    for opened in (scrolled, printed):
        opened.page.close()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser: Any, small_report: Path, size: tuple[int, int], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="the extra test isn't installed")
    opened = Opened(browser, small_report, size, scheme)
    opened.scroll_through()
    opened.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    opened.page.fill("#entry-search", "frequent")
    opened.page.click("#thinned-table tbody tr:nth-child(1) a")
    opened.page.evaluate(resources.files(axe).joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = opened.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
    opened.page.close()


def test_a_phone_scrolls_in_one_direction(browser: Any, report: Path) -> None:
    opened = Opened(browser, report, PHONE)
    opened.scroll_through()
    opened.page.click("#thinned-table tbody tr:nth-child(1) a")
    opened.page.focus("#stop")
    opened.page.keyboard.press("ArrowLeft")
    assert opened.page.is_visible("#own-stop")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    assert opened.complaints == []
    opened.page.close()
