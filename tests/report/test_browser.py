"""The page in a browser: nothing is asked for, nothing goes wrong, tables sort, lists follow the language."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.report import figures
from metaclip_curate.report.page import render
from tests.support.made_facts import made_facts

pytestmark = pytest.mark.slow

playwright = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
LANGUAGES = 300
DESKTOP, PHONE = (1280, 900), (390, 844)


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


class Opened:
    """A page, and what it asked for and complained of.

    Args:
        browser: Chromium.
        path: The report.
        size: Of the window, in CSS pixels.
    """

    def __init__(self, browser: Any, path: Path, size: tuple[int, int]) -> None:
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.goto(path.as_uri())

    def _listen(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def column(self, table: str, place: int) -> list[str]:
        """The texts of a table's visible cells in a column."""
        found: list[str] = self.page.eval_on_selector_all(
            f"#{table} tbody tr:not([hidden])", f"rows => rows.map(row => row.cells[{place}].textContent.trim())"
        )
        return found

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


def test_the_table_of_languages_sorts_and_is_searched_without_a_pause(desktop: Opened) -> None:
    desktop.scroll_through()  # a chart that is drawn while the mouse is on its way moves the table
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


def test_a_language_that_is_picked_changes_charts_and_lists(desktop: Opened) -> None:
    desktop.scroll_through()
    before = desktop.page.inner_html("#kept-by-t .drawing")
    desktop.page.click("#language-table button[data-scope=l007]")
    assert desktop.page.input_value("#scope") == "l007"
    assert desktop.page.inner_text("#entries-scope") == "Language 007"
    assert desktop.page.inner_text("#scope-numbers").startswith("t = 40; 200 of 400 entries")
    if figures.converter():
        desktop.page.wait_for_function(
            "before => document.querySelector('#kept-by-t .drawing').innerHTML !== before", arg=before
        )


def test_texts_of_an_entry(desktop: Opened) -> None:
    desktop.page.click("#thinned-table button[data-texts='2']")
    texts = desktop.page.eval_on_selector_all(
        "#dropped-texts li bdi", "all => all.map(each => [each.dir, each.innerText])"
    )
    assert len(texts) == 20
    assert texts[0][0] == "auto"
    assert "<script>" in texts[0][1]


def test_a_phone_scrolls_in_one_direction(browser: Any, report: Path) -> None:
    opened = Opened(browser, report, PHONE)
    opened.scroll_through()
    opened.page.click("#thinned-table button[data-texts='0']")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == PHONE[0]
    assert opened.complaints == []
    opened.page.close()
