"""What a file of Wikipedia text is, by its name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError

Form = Literal["xml", "json", "parquet"]
Packing = Literal["none", "bz2", "gz"]

_INDEX = re.compile(r"(?P<dump>.*pages-articles-multistream\d*)-index(?P<part>\d*)\.txt(?P<range>-p\d+p\d+)?\.bz2")
_XML = re.compile(r".*\.xml(-p\d+p\d+)?(?P<packing>\.bz2|\.gz)?")
_JSON = re.compile(r".*\.(json|jsonl|ndjson)(?P<packing>\.bz2|\.gz)?")
# enwiki-20250101-pages-articles.xml.bz2, zh_yuewiki-20250101-cirrussearch-content.json.gz,
# enwiki_content-20250101-00000.json.bz2 and 20231101.zh-yue/train-00000-of-00001.parquet
_WIKI = re.compile(r"(?:.*/)?(?:([a-z]+(?:_[a-z]+)*?)wiki[_.-][^/]*|\d{8}\.([a-z]+(?:-[a-z]+)*)/[^/]*)")
_PACKINGS: dict[str | None, Packing] = {None: "none", ".bz2": "bz2", ".gz": "gz"}


@dataclass(frozen=True)
class Source:
    """A file of Wikipedia text.

    Attributes:
        path: Where it is.
        form: `xml`: a pages-articles dump, multistream or not. `json`: a text in the field `text` of each line; a
            CirrusSearch dump, or Hugging Face's layout. `parquet`: a column `text`.
        packing: How its bytes are packed; that of Parquet is its own affair.
        index: The index of a multistream dump, empty without one.
        wiki: The wiki's code as its name says (zh_yue), empty where it doesn't.
    """

    path: str
    form: Form
    packing: Packing = "none"
    index: str = ""
    wiki: str = ""

    @property
    def can_be_split(self) -> bool:
        """Whether several tasks can share it. A gzip stream can be read from its beginning only."""
        return self.packing != "gz"


def is_wikipedia_source(path: str) -> bool:
    """Whether a file's name is that of Wikipedia text, or of the index of such a file."""
    name = posixpath.basename(path)
    return bool(_INDEX.fullmatch(name)) or _form(name) is not None


def wikipedia_sources(paths: Sequence[str]) -> list[Source]:
    """Says what the files are, and puts an index to its dump.

    Args:
        paths: Files, local or in any store that is read.

    Returns:
        The files that have text, each once, in the order given.

    Raises:
        UserError: A name says nothing known, an index has no dump, or there is no text at all.
    """
    found: dict[str, Source] = {}
    indices: dict[str, str] = {}
    for path in paths:
        name = posixpath.basename(path)
        index = _INDEX.fullmatch(name)
        if index is not None:
            dump = f"{index['dump']}{index['part']}.xml{index['range'] or ''}.bz2"
            indices[posixpath.join(posixpath.dirname(path), dump)] = path
            continue
        kind = _form(name)
        if kind is None:
            raise UserError(
                f"{path} is no file of Wikipedia text by its name; give *-pages-articles*.xml.bz2, CirrusSearch's "
                "*.json.gz, or *.parquet or *.jsonl with a column text."
            )
        wiki = _WIKI.fullmatch(path)
        found[path] = Source(path, *kind, wiki=(wiki[1] or wiki[2]).replace("-", "_") if wiki else "")
    for dump, index_path in indices.items():
        if dump not in found:
            raise UserError(f"{index_path} is the index of {dump}, which isn't given; add it or leave the index out.")
        source = found[dump]
        found[dump] = Source(source.path, source.form, source.packing, index_path, source.wiki)
    if not found:
        raise UserError("No file of Wikipedia text is given; name a dump of the language's Wikipedia.")
    return list(found.values())


def _form(name: str) -> tuple[Form, Packing] | None:
    if name.endswith(".parquet"):
        return "parquet", "none"
    for pattern, form in ((_XML, "xml"), (_JSON, "json")):
        match = pattern.fullmatch(name)
        if match is not None:
            return ("xml" if form == "xml" else "json"), _PACKINGS[match["packing"]]
    return None
