"""Kept and dropped texts of some entries, and the fates of sampled pairs.

It takes one pass over `matched` and one over the manifest. Only the rows whose hash is below a cut are gathered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.report.facts import EntryFact, EntryTexts, SampledPair
from metaclip_curate.schemas import MANIFEST, MATCHED
from metaclip_curate.stages.report.sampling import (
    SAMPLE,
    SAMPLED,
    SAMPLED_FROM,
    Hashes,
    Sampled,
    first_by_hash,
    sampled_pair,
    sampled_rows,
    sampling_cut,
    sampling_hashes,
)
from metaclip_curate.stages.report.unmatched import UNMATCHED
from metaclip_curate.stages.shared.passes import Batches, Pass, Passes, Table

# Ids that no entry has: the row of a pair for itself, and that of a requested pair.
_ITSELF, _REQUESTED = -1, -2
_TEXTS = 20
# An entry that lost fewer of its texts is sampled as if it had lost this share of them.
_LARGEST_SHARE = 0.2
# A sampled pair, and the entry for which it was sampled.
_ROWS = pa.schema([pa.field("of", pa.string()), pa.field("entry_id", pa.int32()), *SAMPLED])

Entry = tuple[str, int]


@dataclass(frozen=True)
class Sampling:
    """The result of a pass.

    Attributes:
        sample: A sample of the pairs.
        texts: Pairs that contain an entry, by requested entry, in the order of their hashes.
        present: The requested uids that are in the table.
    """

    sample: list[Sampled]
    texts: Mapping[Entry, list[Sampled]]
    present: frozenset[str]


@dataclass(frozen=True)
class _Limits:
    """What is taken of a table.

    Attributes:
        table: Name of the table.
        itself: The hash up to which a pair is taken for itself.
        entries: For each entry the hash up to which its texts are taken.
        requested: The uids to look up.
    """

    table: str
    itself: int
    entries: Mapping[Entry, int]
    requested: Collection[str]


def texts_and_fates(
    passes: Passes,
    sizes: tuple[int, int],
    entries: Sequence[EntryFact],
    pairs_sample: Sequence[Sampled],
) -> tuple[tuple[SampledPair, ...], tuple[SampledPair, ...], tuple[EntryTexts, ...]]:
    """Samples texts of entries, and looks up the fates of pairs.

    Args:
        passes: Makes the passes over `matched` and the manifest.
        sizes: Numbers of rows of both.
        entries: Entries whose texts are sampled.
        pairs_sample: Sample from `pair_facts`.

    Returns:
        The sample of all pairs with their fates, a sample of the matched pairs with theirs, and the entries' texts.
    """
    of_pairs = {str(row["uid"]) for row in pairs_sample}
    dropped_cuts = {_key(entry): _cut_for_dropped(entry) for entry in entries}
    before = _sample(passes, ("match", "matched", MATCHED), sizes[0], dropped_cuts, of_pairs)
    seen = {str(row["uid"]) for rows in (before.sample, *before.texts.values()) for row in rows}
    kept_cuts = {_key(entry): sampling_cut(_TEXTS, entry.kept) for entry in entries if entry.kept}
    after = _sample(passes, ("sample", "manifest", MANIFEST), sizes[1], kept_cuts, seen | of_pairs)
    texts = []
    for entry in entries:
        dropped = [row for row in before.texts.get(_key(entry), ()) if row["uid"] not in after.present]
        stayed = after.texts.get(_key(entry), [])
        texts.append(
            EntryTexts(entry, *(tuple(str(row["text"]) for row in rows[:_TEXTS]) for rows in (stayed, dropped)))
        )

    def with_fates(rows: Iterable[Sampled], is_matched: Collection[str]) -> tuple[SampledPair, ...]:
        return tuple(sampled_pair(row, _fate(str(row["uid"]), is_matched, after.present)) for row in rows)

    matched_sample = first_by_hash(before.sample, SAMPLE)
    return (
        with_fates(pairs_sample, before.present),
        with_fates(matched_sample, {str(row["uid"]) for row in matched_sample}),
        tuple(texts),
    )


def _fate(uid: str, matched: Collection[str], kept: Collection[str]) -> str:
    if uid in kept:
        return "kept"
    return "not drawn" if uid in matched else UNMATCHED


def _key(entry: EntryFact) -> Entry:
    return entry.lang, entry.entry_id


def _cut_for_dropped(entry: EntryFact) -> int:
    """Returns the hash below which enough of an entry's dropped texts lie."""
    dropped = max(entry.count - entry.kept, round(_LARGEST_SHARE * entry.count))
    return sampling_cut(_TEXTS, dropped)


def _sample(
    passes: Passes,
    table: Table,
    rows: int,
    cuts: Mapping[Entry, int],
    requested: Collection[str],
) -> Sampling:
    """Makes a pass over a table of `rows` rows. `cuts` are the hashes up to which the entries' texts are taken."""
    limits = _Limits(table[1], sampling_cut(SAMPLE, rows), cuts, requested)
    columns = (*SAMPLED_FROM, "metadata_lang", "entry_ids")
    found: dict[Entry, list[Sampled]] = {}
    for row in passes.gather(Pass(table, columns, _taker(limits), _ROWS)).to_pylist():
        found.setdefault((row.pop("of"), row.pop("entry_id")), []).append(row)
    return Sampling(
        found.pop(("", _ITSELF), []),
        {key: first_by_hash(rows_, len(rows_)) for key, rows_ in found.items() if key[1] >= 0},
        frozenset(str(row["uid"]) for row in found.pop(("", _REQUESTED), [])),
    )


def _taker(limits: _Limits) -> Callable[[Batches], Batches]:
    largest = max([limits.itself, *limits.entries.values()])
    requested = pa.array(sorted(limits.requested), pa.string())

    def run(batches: Batches) -> Batches:
        for batch in batches:
            hashes = sampling_hashes(batch.column("uid"), limits.table)
            is_requested = pc.is_in(batch.column("uid"), value_set=requested).to_numpy(zero_copy_only=False)
            # Above the largest cut are all but few pairs of a large run.
            possible = (hashes <= largest) | is_requested
            rows, of_rows = batch.filter(pa.array(possible)), hashes[possible]
            yield _taken(("", _ITSELF), rows, of_rows, of_rows <= limits.itself)
            yield _taken(("", _REQUESTED), rows, of_rows, is_requested[possible])
            yield from _with_entries(rows, of_rows, limits.entries)

    return run


def _with_entries(rows: pa.RecordBatch, hashes: Hashes, cuts: Mapping[Entry, int]) -> Iterator[pa.RecordBatch]:
    lists = rows.column("entry_ids")
    ids, row_of = lists.flatten().to_numpy(), pc.list_parent_indices(lists).to_numpy()
    for (language, entry_id), cut in cuts.items():
        contains = np.zeros(rows.num_rows, dtype=np.bool_)
        contains[row_of[ids == entry_id]] = True
        of_language = pc.equal(rows.column("metadata_lang"), language).to_numpy(zero_copy_only=False)
        yield _taken((language, entry_id), rows, hashes, contains & of_language & (hashes <= cut))


def _taken(entry: Entry, rows: pa.RecordBatch, hashes: Hashes, which: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    sample = sampled_rows(rows.filter(pa.array(which)), hashes[which])
    of, entry_id = entry
    columns = [pa.repeat(of, sample.num_rows), pa.repeat(pa.scalar(entry_id, pa.int32()), sample.num_rows)]
    return pa.RecordBatch.from_arrays([*columns, *sample.columns], schema=_ROWS)
