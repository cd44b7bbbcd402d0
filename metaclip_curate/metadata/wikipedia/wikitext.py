"""Wikitext to plain text: the running text that a reader sees.

The package mwparserfromhell parses the markup to a tree. Each kind of node is kept, left out, or replaced by U+FFFC (the
object replacement character) if it was inside of a line, so that the words before and after it don't become adjacent.

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

# They leave no mark, since the number of a footnote isn't part of the line.
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
# In wikis of several scripts: -{zh-hans:计算机; zh-hant:電腦}-, with flags of one letter before a |.
_VARIANTS = re.compile(r"-\{(?:([^{}|]*)\|)?([^{}]*)\}-")
_VARIANT = re.compile(r"^\s*(?:[^:;]*=>)?\s*[a-z]+(?:-[a-z]+)*\s*:([^;]*)")
_INVISIBLE_FLAGS = frozenset("HT-")
_TABLE_REMAINS = re.compile(r"^[ \t]*(?:\{\||\|[}\-+|]?|!).*$", re.MULTILINE)
_BRACKETS = re.compile(r"\[\[|\]\]|\{\{+|\}\}+")
_MAGIC_WORD = re.compile(r"__[^\W\d_]+__")
_TAG_REMAINS = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>")
# Lines of only [[Kategorie:Stadt]] or [[de:Berlin]], for dumps whose header doesn't name the namespaces.
_LINE_OF_PREFIXED_LINKS = re.compile(r"^[ \t]*(?:\[\[[^][|:{}\n]+:[^][{}\n]*\]\][ \t]*)+$", re.MULTILINE)
_LIST_MARKS = re.compile(r"^[*#:;]+", re.MULTILINE)
_QUOTES = re.compile(r"'{2,}")


def plain_text(wikitext: str, hidden: frozenset[str] = ENGLISH_HIDDEN) -> str:
    """Converts wikitext to plain text.

    With malicious markup (thousands of braces that are never closed) the time grows faster than the text, and the
    parser can't be interrupted; see `cleaner`.

    Args:
        wikitext: Wikitext of a page.
        hidden: Namespaces in lower case, links to which aren't text.

    Returns:
        The text, with a line break or U+FFFC where content was left out.

    Raises:
        RecursionError: The markup is nested too deeply.
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
        raise TypeError(f"mwparserfromhell has an unknown kind of node: {type(node)}")


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
    else:  # tables, galleries, formulas, code and the tags of extensions
        yield LEFT_OUT


def _first_variant(match: re.Match[str]) -> str:
    """Returns the first of several spellings."""
    if match[1] is not None and _INVISIBLE_FLAGS & set(match[1]):
        return ""
    variant = _VARIANT.match(match[2])
    return variant[1].strip() if variant else match[2]


def _without_quotes(text: str) -> str:
    """Removes the marks of bold and italic, but keeps an apostrophe before one: `l'''Iliade''` is l'Iliade.

    Such a line has odd numbers of bold and italic marks, and the bold one after a letter is an apostrophe and an italic
    mark (MediaWiki's Parser::doQuotes).
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
    """Removes the remains of broken markup: tables without an end, single brackets and tags."""
    text = _TABLE_REMAINS.sub("\n", text)
    text = _TAG_REMAINS.sub(LEFT_OUT, text)
    text = _BRACKETS.sub(LEFT_OUT, text)
    if "&" in text:  # entities in text that the parser took for plain
        text = unescape(text)
    return _LIST_MARKS.sub("", _MAGIC_WORD.sub("\n", text))
