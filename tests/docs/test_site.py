"""The documentation site has every page, and its links lead to pages, or to copies of files of the project."""

from __future__ import annotations

import re

import pytest

from docs.site.links import PAGES, linked_files, loaded_from_network, source_of, with_links
from tests.conftest import ROOT


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page() -> None:
    named = re.findall(r"[\w/-]+\.md$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(named) == sorted({*pages, *PAGES.values()})


@pytest.mark.parametrize(
    ("page", "link", "in_site"),
    [
        ("index.md", "[a](docs/concepts.md#match)", "[a](concepts.md#match)"),
        ("index.md", "![a](docs/images/report.png)", "![a](images/report.png)"),
        ("languages.md", "[a](../docs/metadata.md)", "[a](metadata.md)"),
        ("python.md", "[a](../examples/x.ipynb)", "[a](files/examples/x.ipynb)"),
        ("metadata.md", "[a](../metadata/README.md)", "[a](languages.md)"),
        ("api/index.md", "[a](../python.md) [b](curate.md)", "[a](../python.md) [b](curate.md)"),
        ("faq.md", "[a](https://example.org/x.md) [b](#c)", "[a](https://example.org/x.md) [b](#c)"),
    ],
)
def test_links_lead_from_the_page(page: str, link: str, in_site: str) -> None:
    assert with_links(link, page) == in_site


def test_files_are_copied_that_are_no_pages() -> None:
    text = "[a](LICENSE) [b](docs/concepts.md) [c](CHANGELOG.md) [d](#e) [f](https://example.org/LICENSE)"
    assert linked_files(text, "index.md") == {"LICENSE"}
    assert source_of("index.md") == "README.md"


def test_what_a_page_loads_from_elsewhere_is_found() -> None:
    page = (
        '<a href="https://a.example"></a><script src="assets/x.js"></script><link rel="stylesheet" href="a.css">'
        '<img alt="" src="https://b.example/x.png"><link rel="stylesheet" href="//c.example/x.css">'
    )
    assert loaded_from_network(page) == ["https://b.example/x.png", "//c.example/x.css"]
