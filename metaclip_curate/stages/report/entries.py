"""Entries before and after the draw, for the report."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import balance
from metaclip_curate.report.facts import EntryFact, EntryLists
from metaclip_curate.report.histograms import KeptHistogram
from metaclip_curate.schemas import COUNTS, MANIFEST
from metaclip_curate.stages.occurrence_sums import OccurrenceSums
from metaclip_curate.stages.report.sampling import sampling_cut
from metaclip_curate.stages.shared.passes import Batches, Pass, Passes, Summing
from metaclip_curate.stages.shared.sorted_batches import by_language, each_language

_OF_LANGUAGE = 8
_OF_ALL = 30
# Entries that the page's search finds: those with the most texts of each language, and of all languages.
_FREQUENT_OF_LANGUAGE, _FREQUENT = 20, 2000
# An entry, and the numbers of texts that contain it and of those that were kept. Either may be of one table alone.
_ENTRY = pa.schema([*COUNTS, pa.field("kept", pa.int64())])
# A chosen entry: its kind, and its rank among those of the kind is by `order`. Of the kind "histogram" a row is a count
# of a language, `order` the number of entries with it, and `kept` the sum of their kept texts.
_CHOSEN = pa.schema([pa.field("kind", pa.string()), pa.field("order", pa.int64()), *_ENTRY])
_HISTOGRAM = "histogram"
# How many of each kind are chosen of a language, and how many of all languages in addition.
_KINDS = {
    "thinned": (_OF_ALL, 0),
    "whole": (_OF_LANGUAGE, 0),
    "unmatched": (_OF_LANGUAGE, 0),
    "frequent": (_FREQUENT_OF_LANGUAGE, _FREQUENT),
}
_SEED = zlib.crc32(b"entries")

Booleans = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def entry_facts(
    passes: Passes, thresholds: Mapping[str, int], unmatched: Mapping[str, int]
) -> tuple[dict[str, KeptHistogram], dict[str, EntryLists], tuple[EntryFact, ...]]:
    """Computes histograms of the entries' counts, and chooses entries of each kind and language.

    Args:
        passes: Makes the passes over counts and manifest.
        thresholds: The t of each language.
        unmatched: Number of entries without a text of each language.

    Returns:
        Histograms by language; chosen entries by language, and under "" of all languages; and a longer list of the most
        thinned entries of all.
    """
    cuts = {language: sampling_cut(_OF_LANGUAGE, number) for language, number in unmatched.items()}
    counts = Pass(("count", "counts", COUNTS), COUNTS.names, _hit_or_sampled(cuts), _ENTRY)
    kept = Pass(("sample", "manifest", MANIFEST), ("metadata_lang", "entry_ids"), _kept_texts, _ENTRY)
    keys, sums = ("metadata_lang", "entry_id"), ("count", "kept")
    summing = Summing(keys, sums, _CHOSEN, _chooser(dict(thresholds)), largest=("entry",))
    chosen = passes.add_up([counts, kept], summing)
    lists, thinned = _lists(_first_of_each_kind(chosen))
    return _histograms(chosen, unmatched), lists, thinned


def _hit_or_sampled(cuts: dict[str, int]) -> Callable[[Batches], Batches]:
    """Returns a function from rows of `schemas.COUNTS` to the entries with a text, and a sample of the others."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            count = batch.column("count").to_numpy()
            hit = batch.filter(pa.array(count > 0))
            yield _entries(hit, pa.nulls(hit.num_rows, pa.int64()).fill_null(0))
            for language, rows in by_language(batch.filter(pa.array(count == 0))):
                hashes = _hashes(language, rows.column("entry_id").to_numpy())
                sample = rows.filter(pa.array(hashes <= cuts.get(language, -1)))
                yield _entries(sample, sample.column("count"))

    return run


def _entries(counts: pa.RecordBatch, kept: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([*(counts.column(name) for name in COUNTS.names), kept], schema=_ENTRY)


def _kept_texts(batches: Batches) -> Batches:
    """Yields how many of the manifest's texts contain each entry."""
    sums = OccurrenceSums()
    for batch in batches:
        for language, rows in each_language(batch):
            sums.add(language, rows.column("entry_ids").flatten().to_numpy())
    for language, ids, kept in sums.found():
        zeros = pa.array(np.zeros(len(ids), dtype=np.int64))
        columns = [pa.repeat(language, len(ids)), pa.array(ids), pa.nulls(len(ids), pa.string()), zeros, pa.array(kept)]
        yield pa.RecordBatch.from_arrays(columns, schema=_ENTRY)


def _chooser(thresholds: dict[str, int]) -> Callable[[Batches], Batches]:
    """Returns a function from entries, each once, to rows of _CHOSEN."""

    def choose(batches: Batches) -> Batches:
        entries = pa.Table.from_batches(
            [batch.select(_ENTRY.names).cast(_ENTRY) for batch in batches], _ENTRY
        ).combine_chunks()
        languages = entries.column("metadata_lang").combine_chunks().dictionary_encode()
        limits = np.array([thresholds.get(name, 0) for name in languages.dictionary.to_pylist()], dtype=np.int64)
        t = limits[languages.indices.to_numpy()]
        count, kept = (entries.column(name).to_numpy() for name in ("count", "kept"))
        lost, hit = count - kept, count > 0
        at_random = _hashes_of_each(languages, entries.column("entry_id").to_numpy())
        kinds: dict[str, tuple[Booleans, Ints]] = {
            "thinned": ((count >= t) & (lost > 0), -lost),
            "whole": (hit & (count < t) & (lost == 0), at_random),
            "unmatched": (~hit, at_random),
            "frequent": (hit, -count),
        }
        parts = [
            _of_kind(entries.filter(pa.array(which)), kind, order[which]) for kind, (which, order) in kinds.items()
        ]
        yield from _first_of_each_kind(pa.concat_tables(parts)).to_batches()
        yield from _counted(entries.filter(pa.array(hit))).to_batches()

    return choose


def _of_kind(entries: pa.Table, kind: str, order: Ints) -> pa.Table:
    columns = [pa.repeat(kind, entries.num_rows), pa.array(order), *entries.columns]
    return pa.Table.from_arrays(columns, schema=_CHOSEN)


def _counted(entries: pa.Table) -> pa.Table:
    """Returns the part of a histogram."""
    sums = entries.group_by(["metadata_lang", "count"]).aggregate([("entry_id", "count"), ("kept", "sum")])
    nothing = [pa.nulls(sums.num_rows, pa.int32()), pa.nulls(sums.num_rows, pa.string())]
    language, count, number, kept = (
        sums.column(name) for name in ("metadata_lang", "count", "entry_id_count", "kept_sum")
    )
    columns = [pa.repeat(_HISTOGRAM, sums.num_rows), number, language, *nothing, count, kept]
    return pa.Table.from_arrays(columns, schema=_CHOSEN)


def _first_of_each_kind(chosen: pa.Table) -> pa.Table:
    """Keeps the first entries of each kind and language, and of each kind."""
    parts = []
    for kind, (of_language, of_all) in _KINDS.items():
        rows = chosen.filter(pc.equal(chosen.column("kind"), kind))
        rows = rows.sort_by([(name, "ascending") for name in ("metadata_lang", "order", "entry_id")]).combine_chunks()
        language = rows.column("metadata_lang").combine_chunks().dictionary_encode().indices.to_numpy()
        first = np.searchsorted(language, language)  # the languages are numbered in the order of the rows
        keep = np.arange(rows.num_rows) - first < of_language
        order = rows.column("order").to_numpy()
        if of_all < rows.num_rows:
            # By order, then in the order of the rows.
            keep[np.argsort(order, kind="stable")[:of_all]] = True
        else:
            keep[:] = True
        parts.append(rows.filter(pa.array(keep)))
    return pa.concat_tables(parts)


def _histograms(chosen: pa.Table, unmatched: Mapping[str, int]) -> dict[str, KeptHistogram]:
    found: dict[str, list[tuple[int, int, int]]] = {
        language: [(0, number, 0)] if number else [] for language, number in sorted(unmatched.items())
    }
    rows = chosen.filter(pc.equal(chosen.column("kind"), _HISTOGRAM))
    sums = rows.group_by(["metadata_lang", "count"]).aggregate([("order", "sum"), ("kept", "sum")])
    columns = (sums.column(name).to_pylist() for name in ("metadata_lang", "count", "order_sum", "kept_sum"))
    for language, *row in zip(*columns, strict=True):
        found[language].append((row[0], row[1], row[2]))
    return {
        language: KeptHistogram(*np.array(sorted(rows), dtype=np.int64).reshape(-1, 3).T)
        for language, rows in found.items()
    }


def _lists(chosen: pa.Table) -> tuple[dict[str, EntryLists], tuple[EntryFact, ...]]:
    found: dict[tuple[str, str], list[tuple[int, EntryFact]]] = {}
    for kind, order, language, *row in zip(*(column.to_pylist() for column in chosen.columns), strict=True):
        for scope in (language, ""):
            found.setdefault((scope, kind), []).append((order, EntryFact(language, *row)))

    def first(scope: str, kind: str, number: int) -> tuple[EntryFact, ...]:
        return tuple(entry for _, entry in sorted(found.get((scope, kind), ()))[:number])

    lists = {
        scope: EntryLists(
            first(scope, "thinned", _OF_LANGUAGE),
            first(scope, "whole", _OF_LANGUAGE),
            first(scope, "unmatched", _OF_LANGUAGE),
            first(scope, "frequent", _FREQUENT) if scope else (),
        )
        for scope in sorted({"", *(scope for scope, _ in found)})
    }
    return lists, first("", "thinned", _OF_ALL)


def _hashes(language: str, entry_ids: npt.NDArray[np.int32]) -> Ints:
    """Returns hashes of a language's entries, uniform from 0 to 2^63 - 1."""
    words = entry_ids.astype(np.uint64) ^ (np.uint64(zlib.crc32(language.encode())) << np.uint64(32))
    return (balance.hash_words(words, _SEED) >> np.uint64(1)).astype(np.int64)


def _hashes_of_each(languages: pa.DictionaryArray, entry_ids: npt.NDArray[np.int32]) -> Ints:
    found = np.zeros(len(entry_ids), dtype=np.int64)
    numbers = languages.indices.to_numpy()
    for number, language in enumerate(languages.dictionary.to_pylist()):
        of_language = numbers == number
        found[of_language] = _hashes(language, entry_ids[of_language])
    return found
