"""The content of a metadata folder: entries by source, with examples and overlaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.folder import LanguageMetadata, MetadataFolder
from metaclip_curate.metadata.lists.writer import BUILD, entries_file, read_sources, read_table
from metaclip_curate.options.merge_metadata import ENGLISH, PAPER_ENTRIES
from metaclip_curate.storage import StorageOptions

# Source of the entries of a list that has no table of entries.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class SourceShown:
    """The entries of one source in a list.

    Attributes:
        name: Name of the source.
        wikipedia: Code of the Wikipedia; empty for a source that belongs to the language.
        entries: Number of its entries in the list.
        candidates: Number of its candidates; None if sources.json has no such number.
        limit: Largest number of entries that it could add; None without a limit.
        best: Highest score; None without scores.
        least: Lowest score; None without scores.
        last: The last entry that was taken; None if sources.json doesn't name it.
        examples: Some entries, evenly spaced from the first to the last.
        also_in: Number of the entries that each other source has as well.
    """

    name: str
    wikipedia: str
    entries: int
    candidates: int | None
    limit: int | None
    best: float | None
    least: float | None
    last: str | None
    examples: list[str]
    also_in: dict[str, int]


@dataclass(frozen=True)
class ListShown:
    """The list of one language.

    Attributes:
        language: The metadata language.
        file: Name of the list's file.
        sha256: Digest of the file, 64 hex digits.
        entries: Number of entries.
        sources: The entries by source.
        warnings: What the build found suspicious.
        paper: Entries of the papers' list of this language by source, which counts numbers among the names of synsets;
            empty for a list that wasn't built, and for languages whose numbers weren't published.
    """

    language: str
    file: str
    sha256: str
    entries: int
    sources: list[SourceShown]
    warnings: list[str]
    paper: dict[str, int]


def show_lists(metadata: MetadataFolder, languages: Sequence[str], examples: int) -> list[ListShown]:
    """Describes the lists of a folder.

    Args:
        metadata: The folder.
        languages: Metadata languages; empty for all.
        examples: Number of examples of each source.

    Raises:
        UserError: A language has no list, or a table of entries belongs to another list.
    """
    try:
        sections = read_sources(metadata.path, metadata.options)
    except UserError:  # of another kind, such as the starter's, or damaged
        sections = {}
    return [
        _shown(metadata, language, examples, sections.get(language, {})) for language in languages or metadata.languages
    ]


def _shown(metadata: MetadataFolder, language: str, examples: int, section: dict[str, Any]) -> ListShown:
    read = metadata.read(language)
    table = _table(metadata.path, read, metadata.options)
    if section.get("sha256") != read.digest or section.get("made_by") != BUILD:
        section = {}  # of another list, or without numbers of candidates
    built = {(each["name"], each.get("wikipedia", "")): each for each in section.get("sources", [])}
    of_rows = list(zip(table["source"].to_pylist(), table["wikipedia"].to_pylist(), strict=True))
    sources = []
    # A source of which nothing was taken has no row.
    for name, wikipedia in dict.fromkeys([*built, *of_rows]):
        rows = table.filter(pa.array([each == (name, wikipedia) for each in of_rows], pa.bool_()))
        scores = [score for score in rows["score"].to_pylist() if score is not None]
        also_in = Counter(other for others in rows["also_in"].to_pylist() for other in others)
        numbers = built.get((name, wikipedia), {})
        sources.append(
            SourceShown(
                name=name,
                wikipedia=wikipedia,
                entries=rows.num_rows,
                candidates=numbers.get("candidates"),
                limit=numbers.get("limit"),
                best=max(scores, default=None),
                least=min(scores, default=None),
                last=numbers.get("last"),
                examples=_spread(rows["entry"].to_pylist(), examples),
                also_in=dict(also_in),
            )
        )
    return ListShown(
        language=language,
        file=read.source.replace("\\", "/").rpartition("/")[2],
        sha256=read.digest,
        entries=len(read.entries),
        sources=sources,
        warnings=section.get("warnings", []),
        paper=PAPER_ENTRIES if language == ENGLISH and built else {},
    )


def _table(folder: str, read: LanguageMetadata, options: StorageOptions) -> pa.Table:
    url = entries_file(folder, read.language)
    if storage.exists(url, options):
        table = read_table(url, options)
        if table["entry"].to_pylist() != read.entries:
            raise UserError(f"{url} doesn't belong to {read.source}, which has other entries: build the list again")
        if "wikipedia" not in table.column_names:  # built by an earlier version
            table = table.append_column("wikipedia", pa.array([""] * len(table), pa.string()))
        return table
    size = len(read.entries)
    return pa.table(
        {
            "entry": pa.array(read.entries, pa.string()),
            "source": pa.array([UNKNOWN] * size, pa.string()),
            "wikipedia": pa.array([""] * size, pa.string()),
            "score": pa.nulls(size, pa.float64()),
            "also_in": pa.array([[]] * size, pa.list_(pa.string())),
        }
    )


def _spread(entries: list[Any], count: int) -> list[Any]:
    if len(entries) <= count:
        return entries
    return [entries[number * (len(entries) - 1) // max(count - 1, 1)] for number in range(count)]
