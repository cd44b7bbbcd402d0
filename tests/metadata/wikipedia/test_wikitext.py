from __future__ import annotations

import bz2
import re
from pathlib import Path

import pytest

from metaclip_curate.metadata.wikipedia.page import Article, read_page
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN
from metaclip_curate.metadata.wikipedia.wikitext import plain_text

CASES = {
    "bold and italic": ("'''Big''' ''small'' '''''both'''''", "Big small both"),
    "an apostrophe before italic": ("dans l'''Iliade'' et", "dans l'Iliade et"),
    "link": ("a [[Town|small town]] and a [[River]]", "a small town and a River"),
    "link to a section": ("[[Town#History]]", "Town"),
    "link with bold": ("[[Town|the '''town''']]", "the town"),
    "title with a colon": ("[[Star Trek: Voyager]] is", "Star Trek: Voyager is"),
    "file with a caption": ("[[File:A.jpg|thumb|200px|A [[dog]] there]]Text", "Text"),
    "file of a wiki whose header isn't known": ("[[Bild:A b.JPG|mini|Hund]]Text", "Text"),
    "category": ("Text\n[[Category:Towns|Key]]", "Text"),
    "category of a wiki whose header isn't known": ("Text\n[[Kategorie:Stadt]]\n[[Kategorie:Ort|Key]]\n", "Text"),
    "other language": ("Text [[de:Stadt]]", "Text"),
    "template inside a line": ("height {{convert|30|m}} above", "height \ufffc above"),
    "nested templates": ("a {{b|{{c|d}}|e={{f}}}} g", "a \ufffc g"),
    "parameter": ("a {{{1|b}}} c", "a \ufffc c"),
    "table": ('a\n{| class="x"\n! b\n|-\n| style="y" | c || d\n|}\ne', "a\n\ufffc\ne"),
    "table in a table": ("a\n{|\n|\n{|\n| b\n|}\n|}\nc", "a\n\ufffc\nc"),
    "table without end": ("a\n{| class=x\n| b\nc", "a\n\n\nc"),
    "reference": ('one<ref name="a">Book, p. 3</ref> two<ref name="a" /> three', "one two three"),
    "list of references": ("a<references>\n<ref>b</ref>\n</references>", "a"),
    "formula": ("where <math>x^2</math> is", "where \ufffc is"),
    "gallery": ("a\n<gallery>\nFile:B.jpg|c\n</gallery>\nd", "a\n\ufffc\nd"),
    "source code": ("a <syntaxhighlight lang=c>int b;</syntaxhighlight> c", "a \ufffc c"),
    "unknown extension": ("a <score>b</score> c", "a \ufffc c"),
    "comment": ("a<!-- b -->c", "ac"),
    "heading": ("a\n== External links ==\nb", "a\n\n\nb"),
    "list": ("* one\n* two\n## three", " one\n two\n three"),
    "line break": ("one<br />two<br>three", "one\n\ntwo\n\nthree"),
    "span": ('<span style="color:red">red</span> <small>x</small>', "red x"),
    "nowiki": ("a <nowiki>[[b]]</nowiki> c", "a \ufffcb\ufffc c"),
    "entity": ("17.&nbsp;Juni &amp; &#8211; &lt;", "17.\u00a0Juni & – <"),
    "external link": ("a [https://x.example the page] b", "a the page b"),
    "external link without a text": ("a [https://x.example] b https://y.example c", "a \ufffc b \ufffc c"),
    "magic word": ("__NOTOC__ a", "\n a"),
    "variants": ("-{zh-hans:计算机; zh-hant:電腦}- 和 -{H|zh-cn:a;zh-tw:b}-", "计算机 和 "),
    "single brackets and tags": ("a [[b and }} c </div> d", "a \ufffcb and \ufffc c \ufffc d"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_and_left_out(name: str) -> None:
    wikitext, expected = CASES[name]
    assert lines_of(plain_text(wikitext)) == lines_of(expected)


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def test_a_wikis_own_names_of_namespaces() -> None:
    wikitext = "a [[Datei:Ohne Endung|mini|b]] c [[Kategorie:D]] e [[:Kategorie:F|f]]"
    assert plain_text(wikitext, ENGLISH_HIDDEN | {"datei", "kategorie"}).split() == ["a", "c", "e", "f"]


LEAKS = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|''|^==|&[a-z]+;|__[A-Z]+__|https?://|\b\d+px\b|\bthumb\b"
    r"|\b(?:style|class|colspan|rowspan|align|bgcolor)\s*=|</?[a-zA-Z]+[ />]"
    r"|^(?:Category|Kategorie|Kategoreja|Catégorie|หมวดหมู่):",
    re.MULTILINE,
)


def test_no_markup_is_left_of_real_pages(real_data: Path) -> None:
    articles, characters = 0, 0
    for path in sorted(real_data.glob("wiki/*.bz2")):
        if path.name.startswith("enwiki"):
            continue  # of the same kinds, and long
        for record in re.findall(rb"<page>.*?</page>", bz2.decompress(path.read_bytes()), re.DOTALL)[::7]:
            article = read_page(record)
            if isinstance(article, Article):
                text = plain_text(article.wikitext)
                found = LEAKS.search(text)
                assert found is None, f"{path.name}, {article.title}: {text[found.start() - 40 :][:100]!r}"
                articles, characters = articles + 1, characters + len(text)
    assert articles > 120
    assert characters > 200_000
