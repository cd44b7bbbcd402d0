"""What to read of a pool's file: the columns that were named, or those with a usual name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from metaclip_curate.options.pool import PoolOptions

URL_NAMES = ("url", "URL", "image_url")
TEXT_NAMES = ("text", "TEXT", "caption", "alt_text", "top_caption")
# Of a tar: the file's key and its .txt member.
KEY, TXT = "__key__", "txt"
# Columns of the tables that img2dataset writes beside its shards, which together distinguish them from others.
_IMG2DATASET = frozenset({"key", "status", "error_message"})
_STATUS = "status"
_MOST_LISTED = 40


class ColumnError(ValueError):
    """A file lacks a column, or has it with a type that can't be used; the message doesn't name the file."""


@dataclass(frozen=True)
class Columns:
    """Names of a file's columns by what they hold; empty where there is none.

    Attributes:
        texts: Columns with texts or lists of texts.
        url: Column with the URLs of the images.
        id: Column with the pool's own ids.
        page_url: Column with the URLs of pages.
        page_lang: Column with the languages of pages.
        license: Column with the URLs of licences.
        kept: Columns that are kept; of those that the file lacks, an empty name.
        status: Column with img2dataset's status, which is `success` in rows that have an image.
        key: Column with the keys of a tar's samples.
    """

    texts: tuple[str, ...]
    url: str = ""
    id: str = ""
    page_url: str = ""
    page_lang: str = ""
    license: str = ""
    kept: tuple[str, ...] = ()
    status: str = ""
    key: str = ""

    @property
    def read(self) -> list[str]:
        """All columns that are read, each once."""
        single = (self.url, *self.texts, self.id, self.page_url, self.page_lang, self.license, self.status, self.key)
        return [name for name in dict.fromkeys((*single, *self.kept)) if name]


def find_columns(names: Collection[str], options: PoolOptions) -> Columns:
    """Finds the columns to read.

    Args:
        names: Names of the file's columns.
        options: The columns that were named, and whether a pair needs a URL.

    Raises:
        ColumnError: A column is missing, or its name isn't unique.
    """
    texts = _named(options.text_column, names, "--text-column")
    if not texts:
        texts = _first_of((TXT, *TEXT_NAMES) if KEY in names else TEXT_NAMES, names)
        if not texts:
            raise _missing(names, "texts", "name it with --text-column")
    urls = _named([options.url_column], names, "--url-column") or _first_of(URL_NAMES, names)
    if not urls and not options.no_url:
        raise _missing(names, "URLs", "name it with --url-column, or the pool with --no-url if it has none")
    named = {"id": options.id_column, "page_url": options.page_url_column}
    named |= {"page_lang": options.page_lang_column, "license": options.license_column}
    for about, name in named.items():
        _named([name], names, f"--{about.replace('_', '-')}-column")
    if not named["id"] and KEY in names:
        named["id"] = KEY
    columns = Columns(
        texts=texts,
        url=urls[0] if urls else "",
        kept=tuple(name if name in names else "" for name in options.keep_columns),
        key=KEY if KEY in names else "",
        status=_STATUS if _IMG2DATASET.issubset(names) else "",
        **named,
    )
    occurrences = Counter(names)
    for name in columns.read:
        if occurrences[name] > 1:
            raise ColumnError(f"it has {occurrences[name]} columns of the name {name}: rename all but one of them")
    return columns


def _missing(names: Collection[str], what: str, advice: str) -> ColumnError:
    values = [name for name in names if name.startswith(("http://", "https://"))]
    if values:
        return ColumnError(f"its first line has no names of columns, but {values[0][:60]!r}: add a line with the names")
    if KEY in names:
        advice = f"no sample has a .txt file or a usual name in its .json file; {advice}" if what == "texts" else advice
    return ColumnError(f"it has no column of {what} among {_listed(names)}: {advice}")


def _named(given: Sequence[str], names: Collection[str], option: str) -> tuple[str, ...]:
    """Returns the columns that an option names, all of which must exist."""
    for name in given:
        if name and name not in names:
            raise ColumnError(f"it has no column {name} among {_listed(names)}: correct {option}")
    return tuple(filter(None, given))


def _first_of(usual: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in usual if name in names)[:1]


def _listed(names: Collection[str]) -> str:
    shown = sorted(map(str, names))
    more = f" and {len(shown) - _MOST_LISTED} others" if len(shown) > _MOST_LISTED else ""
    return ", ".join(shown[:_MOST_LISTED]) + more if shown else "none at all"
