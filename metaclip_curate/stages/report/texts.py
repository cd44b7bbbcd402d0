"""Kept and dropped texts of some entries, and the fates of sampled pairs.

It takes one pass over `matched` and one over the manifest, in which a pair becomes one row for each of its entries and
one for itself. Only the rows whose hash is below a cut leave the workers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metaclip_curate.report.facts import EntryFact, EntryTexts, SampledPair
from metaclip_curate.stages.report.pairs import (
    SAMPLE,
    Sampled,
    first_by_hash,
    sampled_columns,
    sampling_cut,
    sampling_hash,
)

# Ids that no entry has: the row of a pair for itself, and that of a requested pair.
_ITSELF, _REQUESTED = -1, -2
_TEXTS = 20
# An entry that lost fewer of its texts is sampled as if it had lost this share of them.
_LARGEST_SHARE = 0.2
_COLUMNS = ("uid", "text", "lang", "lang_score", "host")


@dataclass(frozen=True)
class Sampling:
    """The result of a pass.

    Attributes:
        sample: A sample of the pairs.
        texts: Pairs that contain an entry, by requested entry, in the order of their hashes.
        present: The requested uids that are in the table.
    """

    sample: list[Sampled]
    texts: Mapping[tuple[str, int], list[Sampled]]
    present: frozenset[str]


def texts_and_fates(
    matched: DataFrame,
    kept: DataFrame,
    sizes: tuple[int, int],
    entries: Sequence[EntryFact],
    pairs_sample: Sequence[Sampled],
) -> tuple[tuple[SampledPair, ...], tuple[SampledPair, ...], tuple[EntryTexts, ...]]:
    """Samples texts of entries, and looks up the fates of pairs.

    Args:
        matched: Rows of `schemas.MATCHED`.
        kept: Rows of `schemas.MANIFEST`.
        sizes: Numbers of rows of both.
        entries: Entries whose texts are sampled.
        pairs_sample: Rows from `pair_facts`.

    Returns:
        The sample of all pairs with their fates, a sample of the matched pairs with theirs, and the entries' texts.
    """
    of_pairs = {str(row["uid"]) for row in pairs_sample}
    dropped_cuts = {_key(entry): _cut_for_dropped(entry) for entry in entries}
    before = _sample(matched, "matched", sizes[0], dropped_cuts, of_pairs)
    seen = {str(row["uid"]) for rows in (before.sample, *before.texts.values()) for row in rows}
    kept_cuts = {_key(entry): sampling_cut(_TEXTS, entry.kept) for entry in entries if entry.kept}
    after = _sample(kept, "manifest", sizes[1], kept_cuts, seen | of_pairs)
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


def sampled_pair(row: Sampled, fate: str) -> SampledPair:
    """Returns a row of a sample as a fact of the report."""
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    return SampledPair(**values, fate=fate)


def _fate(uid: str, matched: Collection[str], kept: Collection[str]) -> str:
    if uid in kept:
        return "kept"
    return "not drawn" if uid in matched else "no match"


def _key(entry: EntryFact) -> tuple[str, int]:
    return entry.lang, entry.entry_id


def _cut_for_dropped(entry: EntryFact) -> int:
    """Returns the hash below which enough of an entry's dropped texts lie."""
    dropped = max(entry.count - entry.kept, round(_LARGEST_SHARE * entry.count))
    return sampling_cut(_TEXTS, dropped)


def _sample(
    pairs: DataFrame,
    table: str,
    rows: int,
    cuts: Mapping[tuple[str, int], int],
    requested: Collection[str],
) -> Sampling:
    """Makes one pass over a table.

    Args:
        pairs: Rows of `schemas.MATCHED`; further columns are ignored.
        table: Name of the table.
        rows: Number of its rows.
        cuts: For each entry the hash below which its texts are taken.
        requested: The uids to look up.
    """
    itself = sampling_cut(SAMPLE, rows)
    limits = {("", _ITSELF): itself, ("", _REQUESTED): 2**63 - 1, **cuts}
    columns = ("uid", "text", "lang", "lang_score", "url", "metadata_lang", "entry_ids")
    hashed = pairs.select(*columns, sampling_hash(table).alias("hash"), is_among(requested).alias("is_requested"))
    # Above the largest cut of an entry or of the sample are all but few pairs of a large run.
    possible = hashed.filter((F.col("hash") <= max([itself, *cuts.values()])) | F.col("is_requested"))
    own_ids = F.when(F.col("is_requested"), F.array(F.lit(_ITSELF), F.lit(_REQUESTED))).otherwise(
        F.array(F.lit(_ITSELF))
    )
    each = possible.withColumn("entry_id", F.explode(F.concat("entry_ids", own_ids))).withColumn(
        "of", F.when(F.col("entry_id") < 0, "").otherwise(F.col("metadata_lang"))
    )
    cut_of = F.from_json(F.lit(json.dumps({_name(*key): cut for key, cut in limits.items()})), "map<string,bigint>")
    cut = F.element_at(cut_of, F.concat_ws(" ", "of", F.col("entry_id").cast("string")))
    taken = each.filter(F.col("hash") <= cut)
    found: dict[tuple[str, int], list[Sampled]] = {}
    for row in taken.select("of", "entry_id", "hash", *sampled_columns()).collect():
        found.setdefault((row["of"], row["entry_id"]), []).append(row.asDict())
    return Sampling(
        found.pop(("", _ITSELF), []),
        {key: first_by_hash(rows_, len(rows_)) for key, rows_ in found.items() if key[1] >= 0},
        frozenset(str(row["uid"]) for row in found.pop(("", _REQUESTED), [])),
    )


def _name(of: str, entry_id: int) -> str:
    return f"{of} {entry_id}"


def is_among(uids: Collection[str]) -> Column:
    """Returns whether the uid of a row is one of several, of which Spark makes a hash set."""
    # As one expression, since each literal takes a millisecond on its way to the JVM. The digits need no escape.
    listed = ", ".join(f"'{uid}'" for uid in sorted(uids))
    return F.expr(f"uid IN ({listed})") if uids else F.lit(False)
