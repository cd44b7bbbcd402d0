"""One task of matching, without Spark: it keeps the first row of each uid, and finds the entries in its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.options.match import EntrySpacing, Normalization
from metaclip_curate.schemas import MATCHED
from metaclip_curate.stages.list_matcher import ListMatcher
from metaclip_curate.stages.shared.metadata_entries import expected_entries
from metaclip_curate.stages.shared.partitioning import by_language
from metaclip_curate.storage import StorageOptions

# Stands for the metadata language of texts whose language has none.
NO_METADATA = "-"
MATCH_STATS = pa.schema(
    [
        pa.field("metadata_lang", pa.string()),  # NO_METADATA for texts that aren't searched
        pa.field("pairs", pa.int64()),  # new pairs, before dedup
        pa.field("distinct", pa.int64()),  # new pairs, after dedup
        pa.field("matched", pa.int64()),  # distinct pairs with at least one entry
        pa.field("occurrences", pa.int64()),  # entries in matched pairs, each counted once per text
        pa.field("superseding", pa.int64()),  # distinct pairs that precede the known row of their uid
    ]
)
KNOWN, SUPERSEDING = "known", "superseding"


@dataclass(frozen=True)
class MatchTask:
    """What a worker needs to match pairs.

    Attributes:
        metadata: Path or URL of the metadata folder.
        digests: SHA-256 of each language's list.
        entry_spacing: How spaces are put around entries and texts.
        storage: Credentials and limits for the metadata and the run folder.
        normalize: How entries and texts are normalised before they are spaced.
    """

    metadata: str
    digests: Mapping[str, str]
    entry_spacing: EntrySpacing
    storage: StorageOptions
    normalize: Normalization = "nfc"


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


def match_batches(batches: Iterator[pa.RecordBatch], task: MatchTask, stats: MatchStats) -> Iterator[pa.RecordBatch]:
    """Matches the pairs of a task.

    Args:
        batches: Rows of `schemas.PAIRS` with the columns metadata_lang and KNOWN, sorted by metadata_lang, uid and
            the columns that decide which row of a uid stays.
        task: The metadata to match with.
        stats: Counts, complete when the iterator ends.

    Yields:
        Rows of `schemas.MATCHED`.
    """
    counted = _counted(batches, stats)
    for language, batch in chain.from_iterable(map(by_language, first_of_each_uid(counted))):
        stats.add(language, distinct=batch.num_rows, superseding=pc.sum(batch.column(SUPERSEDING)).as_py())
        if language == NO_METADATA:
            continue
        entry_ids = _language_matcher(
            task.metadata, language, task.digests[language], (task.entry_spacing, task.normalize), task.storage
        ).match(batch.column("text"))
        columns = [batch.column(name) for name in MATCHED.names if name != "entry_ids"]
        rows = pa.RecordBatch.from_arrays([*columns, entry_ids], schema=MATCHED)
        rows = rows.filter(pc.greater(pc.list_value_length(entry_ids), 0))
        stats.add(language, matched=rows.num_rows, occurrences=len(entry_ids.flatten()))
        yield rows


def _counted(batches: Iterator[pa.RecordBatch], stats: MatchStats) -> Iterator[pa.RecordBatch]:
    """Counts the pairs that are read, which are compared with those that were written."""
    for batch in batches:
        for language, rows in by_language(batch):
            stats.add(language, pairs=rows.num_rows - rows.column(KNOWN).true_count)
        yield batch


def first_of_each_uid(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Keeps the first row of each uid, unless it is a known one.

    Args:
        batches: Rows with the column KNOWN, sorted by uid and the columns that decide which row of a uid stays.

    Yields:
        The first rows, with the column SUPERSEDING instead of KNOWN: whether a known row of the uid comes later, which
        this row would replace.
    """
    held: pa.RecordBatch | None = None  # the first row of the last uid, of which the next batch may have more
    for batch in batches:
        if not batch.num_rows:
            continue
        rows, seen = _join(held, batch)
        uids, known = rows.column("uid"), rows.column(KNOWN).to_numpy(zero_copy_only=False)
        starts = np.flatnonzero(
            np.concatenate([[True], pc.not_equal(uids[1:], uids[:-1]).to_numpy(zero_copy_only=False)])
        )
        known_at_all = np.logical_or.reduceat(known, starts)
        known_at_all[0] |= seen
        firsts = rows.take(pa.array(starts)).append_column(SUPERSEDING, pa.array(known_at_all))
        held = firsts.slice(len(starts) - 1)
        yield from _new(firsts.slice(0, len(starts) - 1))
    if held is not None:
        yield from _new(held)


def _join(held: pa.RecordBatch | None, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, bool]:
    """Puts a held row before a batch; also returns whether a known row of its uid was seen."""
    if held is None:
        return batch, False
    seen = held.column(SUPERSEDING)[0].as_py()
    rows = pa.Table.from_batches([held.drop_columns([SUPERSEDING]), batch]).combine_chunks().to_batches()
    return rows[0], bool(seen)


def _new(firsts: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    new = firsts.filter(pc.invert(firsts.column(KNOWN))).drop_columns([KNOWN])
    if new.num_rows:
        yield new


@lru_cache(maxsize=1)
def _language_matcher(
    metadata: str, language: str, digest: str, rules: tuple[EntrySpacing, Normalization], options: StorageOptions
) -> ListMatcher:
    """Returns the one automaton that a worker holds, kept for the next task if that is of the same language."""
    _language_matcher.cache_clear()  # frees the last language's before this one's is built
    return ListMatcher(expected_entries(metadata, language, digest, options), *rules)
