"""Names of the files that a build reads: dumps, indices, checksums, CirrusSearch, Hugging Face's layout, pageviews.

dewiki-20250101-pages-articles-multistream.xml.bz2             form multistream
dewiki-20250101-pages-articles-multistream-index.txt.bz2       its index
dewiki-20250101-pages-articles1.xml-p1p297012.bz2              form articles, in parts
zh_yuewiki-20250101-cirrussearch-content.json.gz               form cirrussearch
enwiki_content-20250101-00000.json.bz2                         form cirrussearch, newer layout
dewiki-20250101.parquet, dewiki.jsonl.gz                       form text
20231101.zh-yue/train-00000-of-00001.parquet                   form text, Hugging Face's wikimedia/wikipedia
pageviews-20250101-000000.gz                                   views of one hour
"""

from __future__ import annotations

import datetime
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.options.fetch_metadata import DumpForm

Encoding = Literal["xml", "json", "parquet"]
Packing = Literal["none", "bz2", "gz"]

FORMS = ("multistream", "articles", "cirrussearch", "text")
_ARTICLES: dict[DumpForm, str] = {"multistream": "pages-articles-multistream", "articles": "pages-articles"}
_PAGES = r"-p\d+p\d+"
_TEXT_SUFFIX = r"(?:parquet|(?:jsonl|ndjson)(?:\.gz|\.bz2)?)"
_WIKI = r"(?P<wiki>[a-z][a-z_]*?)wiki"
_DATED_WIKI = rf"{_WIKI}-(?:(?P<date>[^-]+)-)?"
_XML_PART = rf"(?P<part>\d*)\.xml(?:{_PAGES})?(?:\.bz2)?"
_NAMES: dict[str, str] = {
    "multistream": _DATED_WIKI + _ARTICLES["multistream"] + _XML_PART,
    "articles": _DATED_WIKI + _ARTICLES["articles"] + _XML_PART,
    "cirrussearch": rf"{_DATED_WIKI}cirrussearch-content\.json(?:\.gz|\.bz2)?"
    rf"|{_WIKI.replace('wiki>', 'wiki2>')}_content-(?P<date2>\d{{8}})-\d+\.json(?:\.gz|\.bz2)?",
    "text": rf"{_WIKI}(?:-(?P<date>\d{{8}}))?(?:[-.].*)?\.{_TEXT_SUFFIX}",
}
_DATASET = re.compile(rf"(?:.*/)?(?P<date>\d{{8}})\.(?P<wiki>[a-z][a-z_-]*)/[^/]+\.{_TEXT_SUFFIX}")
_INDEX = re.compile(rf"(?P<dump>.*pages-articles-multistream\d*)-index(?P<part>\d*)\.txt(?P<pages>{_PAGES})?\.bz2")
_INDEXED_DUMP = re.compile(rf"(-multistream)(\d*)\.xml((?:{_PAGES})?)\.bz2$")
_XML = re.compile(rf".*\.xml({_PAGES})?(?P<packing>\.bz2|\.gz)?")
_JSON = re.compile(r".*\.(json|jsonl|ndjson)(?P<packing>\.bz2|\.gz)?")
_PACKINGS: dict[str | None, Packing] = {None: "none", ".bz2": "bz2", ".gz": "gz"}
# More tolerant than `_NAMES`, for files that are given one by one.
_ANY_WIKI = re.compile(r"(?:.*/)?(?:([a-z]+(?:_[a-z]+)*?)wiki[_.-][^/]*|\d{8}\.([a-z]+(?:-[a-z]+)*)/[^/]*)")
_PAGE_VIEWS = re.compile(r"pageviews-(?P<day>\d{8})-\d{6}(?:\.gz)?")


@dataclass(frozen=True)
class DumpName:
    """The parts of a dump file's name.

    Attributes:
        wiki: Code of the Wikipedia, such as zh_yue.
        form: One of `FORMS`.
        date: Date of the dump, YYYYMMDD or another word such as latest; empty if the name has none.
        part: Number of the part; empty for a whole dump.
    """

    wiki: str
    form: str
    date: str
    part: str


def parse_dump_name(path: str) -> DumpName | None:
    """Parses the name of a file with a Wikipedia's text; None for other files."""
    name = posixpath.basename(path)
    for form, pattern in _NAMES.items():
        match = re.fullmatch(pattern, name)
        if match:
            groups = match.groupdict()
            date = groups["date"] or groups.get("date2") or ""
            return DumpName(groups["wiki"] or groups["wiki2"], form, date, groups.get("part") or "")
    match = _DATASET.fullmatch(path)
    return DumpName(match["wiki"].replace("-", "_"), "text", match["date"], "") if match else None


def wiki_of(path: str) -> str:
    """Returns the code of the Wikipedia in any file name that has one (zh_yue), else an empty string."""
    match = _ANY_WIKI.fullmatch(path)
    return (match[1] or match[2]).replace("-", "_") if match else ""


def encoding_of(name: str) -> tuple[Encoding, Packing] | None:
    """Returns encoding and packing of a file by its suffixes; None if they are of no known encoding."""
    if name.endswith(".parquet"):
        return "parquet", "none"
    if match := _XML.fullmatch(name):
        return "xml", _PACKINGS[match["packing"]]
    if match := _JSON.fullmatch(name):
        return "json", _PACKINGS[match["packing"]]
    return None


def index_of_dump(path: str) -> str:
    """Returns the path of the index that belongs to a multistream dump."""
    return _INDEXED_DUMP.sub(r"\1-index\2.txt\3.bz2", path)


def dump_of_index(path: str) -> str | None:
    """Returns the path of the dump that an index belongs to; None if the file isn't an index."""
    match = _INDEX.fullmatch(posixpath.basename(path))
    if match is None:
        return None
    dump = f"{match['dump']}{match['part']}.xml{match['pages'] or ''}.bz2"
    return posixpath.join(posixpath.dirname(path), dump)


def published_dump(listed: Iterable[str], form: DumpForm) -> list[str]:
    """Chooses the files of a published dump that have the articles.

    Args:
        listed: Names of the files of the dump.
        form: Form to prefer.

    Returns:
        Files of one form with its index, a whole dump rather than parts; empty if there is none.
    """
    listed = list(listed)
    for articles in (_ARTICLES[each] for each in sorted(_ARTICLES, key=lambda name: name != form)):
        for part, pages in (("", ""), (r"\d+", _PAGES)):
            pattern = re.compile(rf"\w+-\d+-{articles}(?:{part}\.xml{pages}|-index{part}\.txt{pages})\.bz2")
            names = sorted(name for name in listed if pattern.fullmatch(name))
            if names:
                return names
    return []


def checksums_name(wiki: str, date: str, kind: str) -> str:
    """Returns the name of the file with a dump's checksums.

    Args:
        wiki: Name of the wiki, such as dewiki.
        date: Date of the dump, YYYYMMDD.
        kind: md5 or sha1.
    """
    return f"{wiki}-{date}-{kind}sums.txt"


def page_views_name(day: datetime.date, hour: int) -> str:
    """Returns the name of the pageviews file of one hour, UTC."""
    return f"pageviews-{day:%Y%m%d}-{hour:02}0000.gz"


def is_page_views(name: str) -> bool:
    """Returns whether a file's name is that of a pageviews file."""
    return _PAGE_VIEWS.fullmatch(name) is not None
