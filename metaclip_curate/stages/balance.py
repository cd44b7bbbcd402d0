"""Entry counts to thresholds, and the expected size of the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import balance as algorithm
from metaclip_curate.errors import UserError
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import THRESHOLDS, ddl
from metaclip_curate.stages.sample import Head, drawing_texts, head_entries, with_probabilities
from metaclip_curate.stages.shared.exact_sums import ExactSums, rounded_sum
from metaclip_curate.stages.shared.parquet_files import Layout

LAYOUT = Layout(THRESHOLDS, repeating=(), statistics=("metadata_lang",))
_CHOSEN = pa.schema([column for column in THRESHOLDS if column.name not in ("pairs", "expected_pairs")])
_SUMS = pa.schema([("metadata_lang", pa.string()), ("high", pa.int64()), ("low", pa.int64())])


@dataclass(frozen=True)
class _Rule:
    """How thresholds are chosen: `t` for the anchor; for the others what comes closest to tail share p, or `t` too."""

    anchor: str
    t: int
    p: float | None

    def threshold(self, language: str, counts: algorithm.Counts) -> int:
        if self.p is None or language == self.anchor:
            return self.t
        return algorithm.threshold_for_tail_share(counts, self.p)


def balance(
    spark: SparkSession, matched: DataFrame, counts: DataFrame, options: BalanceOptions, draw: DrawOptions
) -> DataFrame:
    """Chooses each language's threshold and computes how many pairs it is expected to keep.

    Args:
        spark: The session.
        matched: Rows of `schemas.MATCHED`.
        counts: Rows of `schemas.COUNTS`.
        options: How thresholds are chosen.
        draw: How pairs will be drawn.

    Returns:
        Rows of `schemas.THRESHOLDS`, in the order of languages.

    Raises:
        UserError: The anchor language has no match and no other rule is asked for.
    """
    chosen = choose_thresholds(counts, options)
    head = head_entries(spark, counts, [(row["metadata_lang"], row["t"], row["entries"]) for row in chosen])
    pairs: dict[str, int] = dict(matched.groupBy("metadata_lang").count().collect())
    expected = expected_pairs(matched, head, draw)
    rows = [
        (*row, pairs.get(row["metadata_lang"], 0), expected.get(row["metadata_lang"], 0.0))
        for row in sorted(chosen, key=lambda row: row["metadata_lang"].encode())
    ]
    return spark.createDataFrame(rows, ddl(THRESHOLDS)).coalesce(1)


def choose_thresholds(counts: DataFrame, options: BalanceOptions) -> list[Row]:
    """Chooses the thresholds, one task a language.

    Returns:
        Rows of `schemas.THRESHOLDS` without pairs and expected_pairs.
    """
    rule = _rule(counts, options)
    columns = counts.select("metadata_lang", "count")
    return columns.groupBy("metadata_lang").applyInPandas(_chooser(rule), ddl(_CHOSEN)).collect()


def _rule(counts: DataFrame, options: BalanceOptions) -> _Rule:
    if options.same_t:
        return _Rule("", options.t, None)
    if options.tail_share is not None:
        return _Rule("", options.t, options.tail_share)
    anchor = counts.filter(F.col("metadata_lang") == options.anchor_language)
    tail = F.sum(F.when(F.col("count") < options.t, F.col("count")).otherwise(0))
    below, total = anchor.agg(tail, F.sum("count")).collect()[0]
    if not total:
        raise UserError(
            f"no text matched the anchor language {options.anchor_language}, so it gives no tail share: use "
            "--tail-share P for a tail share of your own or --same-t for the same t everywhere"
        )
    return _Rule(options.anchor_language, options.t, below / total)


def _chooser(rule: _Rule) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def choose(language_counts: pd.DataFrame) -> pd.DataFrame:
        language = str(language_counts["metadata_lang"].iloc[0])
        counts = language_counts["count"].to_numpy(dtype=np.int64)
        t = rule.threshold(language, counts)
        share = algorithm.tail_share(counts, t)
        unmatched = int((counts == 0).sum())
        row = (language, t, share, int(counts.sum()), len(counts), unmatched)
        return pd.DataFrame([row], columns=_CHOSEN.names)

    return choose


def expected_pairs(matched: DataFrame, head: Head, draw: DrawOptions) -> dict[str, float]:
    """Sums up the keep probabilities of the pairs that draw.

    Args:
        matched: Rows of `schemas.MATCHED`.
        head: From `head_entries`.
        draw: How pairs will be drawn.

    Returns:
        The exact expectation of each language's kept pairs, rounded once, to float64.
    """
    drawing = drawing_texts(matched.select("image_id", "uid", "metadata_lang", "entry_ids"), draw)
    parts = drawing.select("metadata_lang", "entry_ids").mapInArrow(_summer(head), ddl(_SUMS))
    sums = parts.groupBy("metadata_lang").agg(F.sum("high"), F.sum("low")).collect()
    return {language: rounded_sum(high, low) for language, high, low in sums}


def _summer(head: Head) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows, probabilities in with_probabilities(batches, head):
            sums = ExactSums(candidates=1, slots=1)
            sums.add(np.zeros(rows.num_rows, dtype=np.int64), probabilities[np.newaxis])
            language = rows.column("metadata_lang")[0].as_py()
            row = {"metadata_lang": language, "high": int(sums.high[0, 0]), "low": int(sums.low[0, 0])}
            yield pa.RecordBatch.from_pylist([row], schema=_SUMS)

    return run
