"""Curation of a DataFrame on any session of Spark 3.5 or 4, Spark Connect included."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.notebook import stages
from metaclip_curate.notebook.match_batches import summary_of
from metaclip_curate.notebook.options import CurateOptions
from metaclip_curate.notebook.rows_and_stats import rows_of, stats_of
from metaclip_curate.notebook.table_pairs import table_summary
from metaclip_curate.run.funnel import Funnel, table_funnel


@dataclass(frozen=True)
class CuratedFrame:
    """The result of a curation.

    Attributes:
        kept: The kept pairs, rows of `schemas.MANIFEST` with the kept columns, in no particular order.
        matched: All matched pairs, rows of `schemas.MATCHED` with the kept columns.
        counts: Rows of `schemas.COUNTS`.
        thresholds: Rows of `schemas.THRESHOLDS`.
        funnel: How many rows gave pairs, matched and were kept, and why the others were left out.
        persisted: DataFrames that Spark holds, from which the others are computed.
    """

    kept: DataFrame
    matched: DataFrame
    counts: DataFrame
    thresholds: pa.Table
    funnel: Funnel
    persisted: tuple[DataFrame, ...]

    def unpersist(self) -> None:
        """Frees the memory and disk that the matched pairs and the counts take."""
        for each in self.persisted:
            each.unpersist()


def curate(
    spark: SparkSession,
    pairs: DataFrame,
    metadata: str | Path,
    t: int | None = None,
    options: CurateOptions | None = None,
) -> CuratedFrame:
    """Curates a DataFrame of pairs.

    The kept pairs are those that the command keeps of the same rows in a file. Where equal pairs differ in their other
    columns, `stages.dedup` says which row stays. Every stage is computed once; matched pairs and counts stay persisted.

    Args:
        spark: The session.
        pairs: A column of URLs and one of texts or lists of texts, whose names are found or are in `options.pool`.
        metadata: Path or URL of the metadata folder, which workers read.
        t: Threshold of the anchor language. Default: that of `options.balance`, 20,000.
        options: The other options.

    Raises:
        UserError: The DataFrame lacks a column, the metadata folder can't be used, or the anchor language has no match.
    """
    chosen = CurateOptions.of(options).given(metadata, t)
    rules = stages.match_rules(spark, chosen)
    with ExitStack() as failed, ExitStack() as used:
        read = _persisted(stages.pairs_and_stats(pairs, chosen), used)
        extracted = stats_of(read)
        distinct = _persisted(stages.dedup(rows_of(read), chosen), used)
        found = _persisted(stages.match_and_stats(distinct, rules), failed)
        summary = summary_of(stats_of(found), chosen.match.metadata)
        matched = rows_of(found)
        counts = _persisted(stages.count_with(matched, rules), failed)
        thresholds = stages.balance(matched, counts, chosen)
        kept = stages.sample(matched, counts, thresholds, chosen)
        expected = sum(thresholds.column("expected_pairs").to_pylist())
        funnel = table_funnel(table_summary(extracted, summary.distinct), summary, expected, kept.count())
        failed.pop_all()
    return CuratedFrame(kept, matched, counts, thresholds, funnel, (found, counts))


def _persisted(rows: DataFrame, until: ExitStack) -> DataFrame:
    """Lets Spark hold rows until a block ends."""
    held = rows.persist()
    until.callback(held.unpersist)
    return held
