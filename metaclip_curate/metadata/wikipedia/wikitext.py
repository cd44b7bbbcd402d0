"""Wikitext to plain text: what a reader sees as running text.

The package mwparserfromhell makes a tree of the markup; here each kind of node is kept, left out, or left out with a
mark (U+FFFC, the object replacement character) where something stood inside a line, so that the words before and
after don't become neighbours.

| kept | left out |
| --- | --- |
| words, link texts, contents of bold, italic, small, ... , list items, contents of nowiki | templates, parameters, tables, references, formulas, galleries, source code, comments, headings (`External links`), files with their captions, categories, links to other languages, bare URLs, magic words |
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import mwparserfromhell
from mwparserfromhell.nodes import (
    Argument,
    Comment,
    ExternalLink,
    Heading,
    HTMLEntity,
    Node,
    Tag,
    Template,
    Text,
    Wikilink,
)
from mwparserfromhell.wikicode import Wikicode

from metaclip_curate.metadata.wikipedia import LEFT_OUT
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN

# Nothing stands in their place: a footnote's number isn't part of a line.
_FOOTNOTES = frozenset({"ref", "references"})
_LINE_TAG = re.compile(r"br|hr|p|div|li|ul|ol|dl|dd|dt|blockquote|center|poem|section")
_INLINE_TAG = re.compile(
    r"a|abbr|b|bdi|bdo|big|cite|del|dfn|em|font|i|ins|kbd|mark|nobr|noinclude|onlyinclude|nowiki|q|rb|ruby|s|small|span"
    r"|strike|strong|sub|sup|time|tt|u|var|wbr"
)
_FILE_ENDING = re.compile(
    r"\.(?:jpe?g|png|gif|svg|tiff?|webp|xcf|djvu|pdf|og[gva]|opus|oga|mp3|wav|webm|mid|stl)\s*$", re.I
)
_LANGUAGE_PREFIX = re.compile(r"[a-z]{2,3}(?:-[a-z]+)*|simple")
# Wikis that are written in several scripts: -{zh-hans:计算机; zh-hant:電腦}-. Flags with a letter come before a |.
_VARIANTS = re.compile(r"-\{(?:([^{}|]*)\|)?([^{}]*)\}-")
_VARIANT = re.compile(r"^\s*(?:[^:;]*=>)?\s*[a-z]+(?:-[a-z]+)*\s*:([^;]*)")
_INVISIBLE_FLAGS = frozenset("HT-")
_TABLE_REMAINS = re.compile(r"^[ \t]*(?:\{\||\|[}\-+|]?|!).*$", re.MULTILINE)
_BRACKETS = re.compile(r"\[\[|\]\]|\{\{+|\}\}+")
_MAGIC_WORD = re.compile(r"__[^\W\d_]+__")
_TAG_REMAINS = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")
# A line of nothing but [[Kategorie:Stadt]] or [[de:Berlin]], for dumps whose header doesn't name namespaces.
_LINE_OF_PREFIXED_LINKS = re.compile(r"^[ \t]*(?:\[\[[^][|:{}\n]+:[^][{}\n]*\]\][ \t]*)+$", re.MULTILINE)
_LIST_MARKS = re.compile(r"^[*#:;]+", re.MULTILINE)
_QUOTES = re.compile(r"'{2,}")


def plain_text(wikitext: str, hidden: frozenset[str] = ENGLISH_HIDDEN) -> str:
    """Makes plain text of wikitext.

    Takes time that grows faster than the text for malicious markup (thousands of braces that are opened and never
    closed), and can't be interrupted while it is in the parser: see `cleaner`.

    Args:
        wikitext: A page.
        hidden: Namespaces, in small letters, links to which are no text.

    Returns:
        The text; a line break, or U+FFFC, where neighbours don't belong together.

    Raises:
        RecursionError: The markup is nested too deep.
        mwparserfromhell.parser.ParserError: The parser gave up.
    """
    text = _VARIANTS.sub(_first_variant, wikitext) if "-{" in wikitext else wikitext
    text = _without_quotes(_LINE_OF_PREFIXED_LINKS.sub("", text))
    tree = mwparserfromhell.parse(text, skip_style_tags=True)
    return _without_remains("".join(_visible(tree, hidden)))


def _visible(code: Wikicode | None, hidden: frozenset[str]) -> Iterator[str]:
    for node in code.nodes if code is not None else ():
        yield from _visible_node(node, hidden)


def _visible_node(node: Node, hidden: frozenset[str]) -> Iterator[str]:
    if isinstance(node, Text):
        yield str(node.value)
    elif isinstance(node, Wikilink):
        yield from _visible_link(node, hidden)
    elif isinstance(node, Tag):
        yield from _visible_tag(node, hidden)
    elif isinstance(node, HTMLEntity):
        yield node.normalize()
    elif isinstance(node, ExternalLink):
        yield from _visible(node.title, hidden) if node.title is not None else LEFT_OUT
    elif isinstance(node, Heading):
        yield "\n"
    elif isinstance(node, (Template, Argument)):
        yield LEFT_OUT
    elif not isinstance(node, Comment):
        raise TypeError(f"mwparserfromhell has a kind of node that is new: {type(node)}")


def _visible_link(link: Wikilink, hidden: frozenset[str]) -> Iterator[str]:
    title = str(link.title).strip()
    prefix, colon, name = title.partition(":")
    prefix = prefix.strip().casefold()
    is_file = bool(prefix and _FILE_ENDING.search(name))
    is_other_language = bool(colon and link.text is None and _LANGUAGE_PREFIX.fullmatch(title.partition(":")[0]))
    if (colon and prefix in hidden) or is_file or is_other_language:
        yield "\n"
    elif link.text is not None:
        yield from _visible(link.text, hidden)
    else:
        yield title.removeprefix(":").partition("#")[0]


def _visible_tag(tag: Tag, hidden: frozenset[str]) -> Iterator[str]:
    name = str(tag.tag).strip().casefold()
    if name in _FOOTNOTES:
        return
    if _LINE_TAG.fullmatch(name):
        yield "\n"
        yield from _visible(tag.contents, hidden)
        yield "\n"
    elif _INLINE_TAG.fullmatch(name):
        yield from _visible(tag.contents, hidden)
    else:  # tables, galleries, formulas, code, and whatever an extension may bring
        yield LEFT_OUT


def _first_variant(match: re.Match[str]) -> str:
    """The first of several spellings."""
    if match[1] is not None and _INVISIBLE_FLAGS & set(match[1]):
        return ""
    variant = _VARIANT.match(match[2])
    return variant[1].strip() if variant else match[2]


def _without_quotes(text: str) -> str:
    """Takes out the marks of bold and italic, and leaves an apostrophe before one: `l'''Iliade''` is l'Iliade.

    Such a line has an odd number of bold and of italic marks, and the bold one after a letter is an apostrophe and an
    italic mark (MediaWiki's Parser::doQuotes).
    """
    if "''" not in text:
        return text
    return "\n".join(_line_without_quotes(line) if "''" in line else line for line in text.split("\n"))


def _line_without_quotes(line: str) -> str:
    marks = list(_QUOTES.finditer(line))
    lengths = [min(len(mark.group()), 5) for mark in marks]
    bold = sum(length in (3, 4, 5) for length in lengths)
    italic = sum(length in (2, 5) for length in lengths)
    if bold % 2 and italic % 2:
        for mark in marks:
            if len(mark.group()) == 3 and mark.start() and line[mark.start() - 1].isalpha():
                line = f"{line[: mark.start()]}\u0000{line[mark.end() :]}"
                break
    return _QUOTES.sub(lambda mark: "'" if len(mark.group()) == 4 else "", line).replace("\u0000", "'")


def _without_remains(text: str) -> str:
    """Takes out what is left of markup that is broken: tables without end, single brackets and tags."""
    text = _TABLE_REMAINS.sub("\n", text)
    text = _TAG_REMAINS.sub(LEFT_OUT, text)
    text = _BRACKETS.sub(LEFT_OUT, text)
    if "&" in text:  # entities in what the parser took for plain text
        text = unescape(text)
    return _LIST_MARKS.sub("", _MAGIC_WORD.sub("\n", text))
