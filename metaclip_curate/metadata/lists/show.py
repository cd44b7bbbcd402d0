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
from metaclip_curate.metadata.lists.writer import entries_file, read_table
from metaclip_curate.storage import StorageOptions

# Source of the entries of a list that has no table of entries.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class SourceShown:
    """The entries of one source in a list.

    Attributes:
        name: Name of the source.
        entries: Number of its entries in the list.
        best: Highest score; None without scores.
        least: Lowest score; None without scores.
        examples: Some entries, evenly spaced from the first to the last.
        also_in: Number of the entries that each other source has as well.
    """

    name: str
    entries: int
    best: float | None
    least: float | None
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
    """

    language: str
    file: str
    sha256: str
    entries: int
    sources: list[SourceShown]


def show_lists(metadata: MetadataFolder, languages: Sequence[str], examples: int) -> list[ListShown]:
    """Describes the lists of a folder.

    Args:
        metadata: The folder.
        languages: Metadata languages; empty for all.
        examples: Number of examples of each source.

    Raises:
        UserError: A language has no list, or a table of entries belongs to another list.
    """
    return [_shown(metadata, language, examples) for language in languages or metadata.languages]


def _shown(metadata: MetadataFolder, language: str, examples: int) -> ListShown:
    read = metadata.read(language)
    table = _table(metadata.path, read, metadata.options)
    names = table["source"].to_pylist()
    sources = []
    for name in dict.fromkeys(names):
        rows = table.filter(pa.array([each == name for each in names]))
        scores = [score for score in rows["score"].to_pylist() if score is not None]
        also_in = Counter(other for others in rows["also_in"].to_pylist() for other in others)
        sources.append(
            SourceShown(
                name=name,
                entries=rows.num_rows,
                best=max(scores, default=None),
                least=min(scores, default=None),
                examples=_spread(rows["entry"].to_pylist(), examples),
                also_in=dict(also_in),
            )
        )
    file = read.source.replace("\\", "/").rpartition("/")[2]
    return ListShown(language, file, read.digest, len(read.entries), sources)


def _table(folder: str, read: LanguageMetadata, options: StorageOptions) -> pa.Table:
    url = entries_file(folder, read.language)
    if storage.exists(url, options):
        table = read_table(url, options)
        if table["entry"].to_pylist() != read.entries:
            raise UserError(f"{url} doesn't belong to {read.source}, which has other entries: build the list again")
        return table
    size = len(read.entries)
    return pa.table(
        {
            "entry": pa.array(read.entries, pa.string()),
            "source": pa.array([UNKNOWN] * size, pa.string()),
            "score": pa.nulls(size, pa.float64()),
            "also_in": pa.array([[]] * size, pa.list_(pa.string())),
        }
    )


def _spread(entries: list[Any], count: int) -> list[Any]:
    if len(entries) <= count:
        return entries
    return [entries[number * (len(entries) - 1) // max(count - 1, 1)] for number in range(count)]
