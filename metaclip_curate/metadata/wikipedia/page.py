"""A page of a pages-articles dump: MediaWiki's XML export format (https://www.mediawiki.org/wiki/Help:Export)."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from metaclip_curate.metadata.wikipedia.stats import Fate

_ARTICLES = "0"
_WIKITEXT = "wikitext"


@dataclass(frozen=True)
class Article:
    """An article.

    Attributes:
        title: The title.
        wikitext: The text with markup.
    """

    title: str
    wikitext: str


def read_page(data: bytes) -> Article | Fate:
    """Reads a page.

    Args:
        data: The XML from `<page>` to `</page>`.

    Returns:
        The article with the text of its newest revision, or the reason why the page isn't used.
    """
    # Texts exceed libxml2's default limit, and their length has been limited before. Entities aren't loaded.
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    try:
        page = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return "broken_record"
    if page.findtext("ns", _ARTICLES) != _ARTICLES:
        return "other_namespace"
    if page.find("redirect") is not None:
        return "redirect"
    revisions = page.findall("revision")
    if not revisions:
        return "no_text"
    newest = max(revisions, key=lambda revision: revision.findtext("timestamp", ""))
    if newest.findtext("model", _WIKITEXT) != _WIKITEXT:
        return "other_content"
    text = newest.findtext("text") or ""
    return Article(page.findtext("title", ""), text) if text.strip() else "no_text"
