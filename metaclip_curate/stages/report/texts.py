"""Texts of some entries, kept and dropped, and what became of sampled pairs, for the report.

One pass over `matched` and one over the manifest, in which a pair stands once for each of its entries and once for
itself. What leaves the workers are the rows whose hash is below a cut that fits their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession
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

# Ids that no entry has: a pair for itself, and a pair that is asked for.
_ITSELF, _ASKED = -1, -2
_TEXTS = 20
# Of an entry that lost only a few texts no more are looked at than if it had lost this share of them.
_LARGEST_SHARE = 0.2
_COLUMNS = ("uid", "text", "lang", "lang_score", "host")


@dataclass(frozen=True)
class Looked:
    """What a pass found.

    Attributes:
        sample: Pairs at random.
        texts: Of each entry that was asked for, pairs that contain it, in the order of their hashes.
        asked: Of the uids that were asked for, those that are in the table.
    """

    sample: list[Sampled]
    texts: Mapping[tuple[str, int], list[Sampled]]
    asked: frozenset[str]


def texts_and_fates(
    spark: SparkSession,
    matched: DataFrame,
    kept: DataFrame,
    sizes: tuple[int, int],
    entries: Sequence[EntryFact],
    pairs_sample: Sequence[Sampled],
) -> tuple[tuple[SampledPair, ...], tuple[SampledPair, ...], tuple[EntryTexts, ...]]:
    """Finds texts of entries, and what became of pairs.

    Args:
        spark: The session.
        matched: Rows of `schemas.MATCHED`.
        kept: Rows of `schemas.MANIFEST`.
        sizes: Rows of both.
        entries: Whose texts.
        pairs_sample: Rows from `pair_facts`.

    Returns:
        The sample of all pairs with their fates, one of the matched pairs with theirs, and the entries' texts.
    """
    of_pairs = {str(row["uid"]) for row in pairs_sample}
    dropped_cuts = {_key(entry): _cut_for_dropped(entry) for entry in entries}
    before = _look(spark, matched, "matched", sizes[0], dropped_cuts, of_pairs)
    seen = {str(row["uid"]) for rows in (before.sample, *before.texts.values()) for row in rows}
    kept_cuts = {_key(entry): sampling_cut(_TEXTS, entry.kept) for entry in entries if entry.kept}
    after = _look(spark, kept, "manifest", sizes[1], kept_cuts, seen | of_pairs)
    texts = []
    for entry in entries:
        dropped = [row for row in before.texts.get(_key(entry), ()) if row["uid"] not in after.asked]
        stayed = after.texts.get(_key(entry), [])
        texts.append(
            EntryTexts(entry, *(tuple(str(row["text"]) for row in rows[:_TEXTS]) for rows in (stayed, dropped)))
        )

    def with_fates(rows: Iterable[Sampled], is_matched: Collection[str]) -> tuple[SampledPair, ...]:
        return tuple(sampled_pair(row, _fate(str(row["uid"]), is_matched, after.asked)) for row in rows)

    matched_sample = first_by_hash(before.sample, SAMPLE)
    return (
        with_fates(pairs_sample, before.asked),
        with_fates(matched_sample, {str(row["uid"]) for row in matched_sample}),
        tuple(texts),
    )


def sampled_pair(row: Sampled, fate: str) -> SampledPair:
    """A row of a sample as the report has it."""
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    return SampledPair(**values, fate=fate)


def _fate(uid: str, matched: Collection[str], kept: Collection[str]) -> str:
    if uid in kept:
        return "kept"
    return "not drawn" if uid in matched else "no match"


def _texts(rows: Sequence[Sampled]) -> tuple[str, ...]:
    return tuple(row["text"] for row in rows[:_TEXTS])


def _key(entry: EntryFact) -> tuple[str, int]:
    return entry.lang, entry.entry_id


def _cut_for_dropped(entry: EntryFact) -> int:
    """The hash below which so many of an entry's texts lie that there are enough dropped ones among them."""
    dropped = max(entry.count - entry.kept, round(_LARGEST_SHARE * entry.count))
    return sampling_cut(_TEXTS, dropped)


def _look(
    spark: SparkSession,
    pairs: DataFrame,
    table: str,
    rows: int,
    cuts: Mapping[tuple[str, int], int],
    asked: Collection[str],
) -> Looked:
    """One pass.

    Args:
        spark: The session.
        pairs: Rows of `schemas.MATCHED`, other columns aside.
        table: Its name.
        rows: How many.
        cuts: Entries, and the hash below which their texts are taken.
        asked: uids that are looked for.
    """
    any_language = [("", _ITSELF, sampling_cut(SAMPLE, rows)), ("", _ASKED, 2**63 - 1)]
    wanted = spark.createDataFrame(
        [*any_language, *((*key, cut) for key, cut in sorted(cuts.items()))], "of string, entry_id int, cut bigint"
    )
    uids = spark.createDataFrame([(uid, True) for uid in sorted(asked)], "uid string, is_asked boolean")
    itself = F.when(F.col("is_asked"), F.array(F.lit(_ITSELF), F.lit(_ASKED))).otherwise(F.array(F.lit(_ITSELF)))
    each = (
        pairs.join(F.broadcast(uids), "uid", "left")
        .select(
            *("uid", "text", "lang", "lang_score", "url", "metadata_lang"),
            sampling_hash(table).alias("hash"),
            F.explode(F.concat("entry_ids", itself)).alias("entry_id"),
        )
        .withColumn("of", F.when(F.col("entry_id") < 0, "").otherwise(F.col("metadata_lang")))
    )
    taken = each.join(F.broadcast(wanted), ["of", "entry_id"]).filter(F.col("hash") <= F.col("cut"))
    found: dict[tuple[str, int], list[Sampled]] = {}
    for row in taken.select("of", "entry_id", "hash", *sampled_columns()).collect():
        found.setdefault((row["of"], row["entry_id"]), []).append(row.asDict())
    return Looked(
        found.pop(("", _ITSELF), []),
        {key: first_by_hash(rows_, len(rows_)) for key, rows_ in found.items() if key[1] >= 0},
        frozenset(str(row["uid"]) for row in found.pop(("", _ASKED), [])),
    )
