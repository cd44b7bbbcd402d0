"""What became of each distinct pair: one row for each, from all tables of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from metaclip_curate import balance
from metaclip_curate.inspect.pair_rules import ADDED, PairRules
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.run.fates import FATE_SQL
from metaclip_curate.schemas import DISTINCT, FATES, ddl
from metaclip_curate.stages.keep_probabilities import Head, with_probabilities
from metaclip_curate.stages.sample import drawing_texts

_READ = ("uid", "image_id", "url", "page_url", "text", "source_id", "page_lang", "lang", "lang_score")
_DRAWN = pa.schema([FATES.field(name) for name in ("uid", "metadata_lang", "entry_ids", "keep_probability", "draw")])

Batches = Iterator[pa.RecordBatch]


def pair_fates(
    pairs: Sequence[DataFrame],
    matched: DataFrame,
    screened: DataFrame,
    manifest: DataFrame,
    rules: PairRules,
    draw: tuple[DrawOptions, Head],
) -> DataFrame:
    """Finds out what became of each pair.

    The tables are brought together by uid, so that each is shuffled once.

    Args:
        pairs: The tables of `pair_rules.tables_of_pairs`.
        matched: Rows of `schemas.MATCHED`.
        screened: Rows of `schemas.SCREENED`.
        manifest: Rows of `schemas.MANIFEST`.
        rules: Rules of the run.
        draw: How the run's pairs were drawn, and the heads of its languages from `sample.head_entries`.

    Returns:
        Rows of `schemas.FATES`.
    """
    options, head = draw
    drawn = matched.select("uid", "metadata_lang", "entry_ids").mapInArrow(_drawn(options.seed, head), ddl(_DRAWN))
    all_draw = options.texts_per_image == "all"
    nothing = [F.lit(None).cast(kind).alias(name) for name, kind in drawn.dtypes[2:]]
    parts = [
        drawn.select("*", _null("reason"), *_flags(is_matched=True, drawing=all_draw)),
        screened.select("uid", "metadata_lang", *nothing, "reason", *_flags()),
        manifest.select("uid", _null("metadata_lang"), *nothing, _null("reason"), *_flags(kept=True)),
    ]
    if not all_draw:
        drawing = drawing_texts(matched.select("image_id", "uid"), options)
        parts.append(drawing.select("uid", _null("metadata_lang"), *nothing, _null("reason"), *_flags(drawing=True)))
    union = _union(parts)
    # A uid has a value of each column in one of the tables at most, so that any aggregate finds it.
    outcome = union.groupBy("uid").agg(*(F.max(name).alias(name) for name in union.columns[1:]))
    columns = pa.schema([*(DISTINCT.field(name) for name in _READ), *ADDED])
    completed = _union([table.select(*_READ) for table in pairs]).mapInArrow(rules.complete, ddl(columns))
    found = completed.withColumnRenamed("metadata_lang", "own_lang").join(outcome, "uid", "left")
    found = found.withColumn("metadata_lang", F.coalesce("metadata_lang", "own_lang"))
    for name in ("kept", "is_matched", "drawing"):
        found = found.withColumn(name, F.coalesce(name, F.lit(False)))
    found = found.withColumn("fate", F.expr(FATE_SQL)).withColumn("reason", F.coalesce("reason", F.lit("")))
    return found.select(*FATES.names)


def with_entries(fates: DataFrame, counts: DataFrame) -> DataFrame:
    """Appends the entries of each pair as strings.

    Args:
        fates: Rows of `schemas.FATES`.
        counts: Rows of `schemas.COUNTS`.

    Returns:
        The rows with the column `entries`, in the order of `entry_ids`; null for a pair without a match.
    """
    each = fates.select("uid", "metadata_lang", F.posexplode("entry_ids").alias("position", "entry_id"))
    named = each.join(counts.select("metadata_lang", "entry_id", "entry"), ["metadata_lang", "entry_id"])
    in_order = F.sort_array(F.collect_list(F.struct("position", "entry")))
    lists = named.groupBy("uid").agg(F.transform(in_order, lambda pair: pair["entry"]).alias("entries"))
    return fates.join(lists, "uid", "left")


def fate_sums(fates: DataFrame) -> dict[tuple[str, str], int]:
    """Counts pairs by fate and reason.

    Args:
        fates: Rows of `schemas.FATES`.
    """
    sums = fates.groupBy("fate", "reason").agg(F.count(F.lit(1)).alias("pairs")).collect()
    return {(fate, reason): pairs for fate, reason, pairs in sums}


def _union(tables: Sequence[DataFrame]) -> DataFrame:
    return reduce(lambda one, other: one.union(other), tables)


def _flags(**set_to: bool) -> list[Column]:
    return [F.lit(set_to.get(name, False)).alias(name) for name in ("is_matched", "kept", "drawing")]


def _null(name: str) -> Column:
    return F.lit(None).cast("string").alias(name)


def _drawn(seed: int, head: Head) -> Callable[[Batches], Batches]:
    """Returns a function that appends the keep probability and the draw of each row."""

    def run(batches: Batches) -> Batches:
        for rows, probabilities in with_probabilities(batches, head):
            draws = balance.draws(rows.column("uid"), seed)
            columns = [*rows.columns, pa.array(probabilities), pa.array(draws)]
            yield pa.RecordBatch.from_arrays(
                [column.cast(field.type) for column, field in zip(columns, _DRAWN, strict=True)], schema=_DRAWN
            )

    return run
