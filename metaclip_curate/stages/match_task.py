"""One task of matching, without Spark: it finds the entries in the texts of a file of `distinct`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate.language import LabelRule
from metaclip_curate.options.match import EntrySpacing, Normalization
from metaclip_curate.schemas import DISTINCT, MATCHED, Kept, with_kept
from metaclip_curate.stages.list_matcher import ListMatcher
from metaclip_curate.stages.shared.metadata_entries import expected_entries
from metaclip_curate.stages.shared.parquet_reading import open_table_file
from metaclip_curate.storage import StorageOptions

# Stands for the metadata language of texts whose language has none.
NO_METADATA = "-"
MATCH_STATS = pa.schema(
    [
        pa.field("metadata_lang", pa.string()),  # NO_METADATA for texts that aren't searched
        pa.field("distinct", pa.int64()),  # pairs that were read
        pa.field("matched", pa.int64()),  # those with at least one entry
        pa.field("occurrences", pa.int64()),  # entries in matched pairs, each counted once per text
    ]
)
_ROWS_PER_BATCH = 1 << 14


@dataclass(frozen=True)
class MatchTask:
    """What a worker needs to match pairs.

    Attributes:
        files: Files of `distinct`, each with at least one row.
        rule: Which label a pair counts as.
        languages: Metadata language, or NO_METADATA, by label.
        metadata: Path or URL of the metadata folder.
        digests: SHA-256 of each language's list.
        entry_spacing: How spaces are put around entries and texts.
        storage: Credentials and limits for the metadata and the run folder.
        normalize: How entries and texts are normalised before they are spaced.
        kept: The kept columns of a pool.
    """

    files: Sequence[str]
    rule: LabelRule
    languages: Mapping[str, str]
    metadata: str
    digests: Mapping[str, str]
    entry_spacing: EntrySpacing
    storage: StorageOptions
    normalize: Normalization = "nfc"
    kept: Kept = ()


class MatchStats:
    """Counts of a task by language."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[str, int]] = {}

    def add(self, language: str, **numbers: int) -> None:
        """Adds to the counts of a language."""
        sums = self._sums.setdefault(language, dict.fromkeys(MATCH_STATS.names[1:], 0))
        for name, number in numbers.items():
            sums[name] += number

    def rows(self) -> pa.RecordBatch:
        """Returns rows of MATCH_STATS."""
        listed = [{"metadata_lang": language, **sums} for language, sums in self._sums.items()]
        return pa.RecordBatch.from_pylist(listed, schema=MATCH_STATS)


def match_file(task: MatchTask, number: int, stats: MatchStats) -> Iterator[pa.RecordBatch]:
    """Matches the pairs of a file, one language after another.

    Args:
        task: The files, and the metadata to match with.
        number: Index of the file.
        stats: Counts, complete when the iterator ends.

    Yields:
        Rows of `schemas.MATCHED`, with the kept columns.
    """
    columns = with_kept(DISTINCT, task.kept).names
    with open_table_file(task.files[number], task.storage) as file:
        groups: dict[str, list[int]] = {}
        for group in range(file.num_row_groups):
            # All rows of a group count as one label.
            label = _label(file, group, task.rule)
            groups.setdefault(task.languages[label], []).append(group)
        for language, of_language in sorted(groups.items()):
            if language == NO_METADATA:
                rows = sum(file.metadata.row_group(group).num_rows for group in of_language)
                stats.add(language, distinct=rows)
                continue
            for batch in file.iter_batches(_ROWS_PER_BATCH, of_language, columns):
                yield _matched(batch, language, task, stats)


def _label(file: pq.ParquetFile, group: int, rule: LabelRule) -> str:
    columns = ("lang", "lang_score", "page_lang")
    first = next(file.iter_batches(1, [group], list(columns)))
    label: str = rule.labels(*(first.column(name) for name in columns))[0].as_py()
    return label


def _matched(batch: pa.RecordBatch, language: str, task: MatchTask, stats: MatchStats) -> pa.RecordBatch:
    rules = (task.entry_spacing, task.normalize)
    matcher = _language_matcher(task.metadata, language, task.digests[language], rules, task.storage)
    entry_ids = matcher.match(batch.column("text"))
    schema = with_kept(MATCHED, task.kept)
    columns = [
        *batch.select(with_kept(DISTINCT, task.kept).names).columns,
        pa.repeat(language, batch.num_rows),
        entry_ids,
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=schema)
    rows = rows.filter(pc.greater(pc.list_value_length(entry_ids), 0))
    stats.add(language, distinct=batch.num_rows, matched=rows.num_rows, occurrences=len(entry_ids.flatten()))
    return rows


@lru_cache(maxsize=1)
def _language_matcher(
    metadata: str, language: str, digest: str, rules: tuple[EntrySpacing, Normalization], options: StorageOptions
) -> ListMatcher:
    """Returns the one automaton that a worker holds, kept for the next task if that is of the same language."""
    _language_matcher.cache_clear()  # frees the last language's before this one's is built
    return ListMatcher(expected_entries(metadata, language, digest, options), *rules)
