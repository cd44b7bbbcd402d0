"""Entry counts to thresholds, and the expected number of pairs in the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import THRESHOLDS, ddl
from metaclip_curate.stages.count import count_histograms
from metaclip_curate.stages.sample import Head, drawing_texts, head_entries, with_probabilities
from metaclip_curate.stages.shared.exact_sums import ExactSums, rounded_sum
from metaclip_curate.stages.shared.parquet_files import Layout
from metaclip_curate.thresholds import Rule

LAYOUT = Layout(THRESHOLDS, repeating=(), statistics=("metadata_lang",))
_SUMS = pa.schema([("metadata_lang", pa.string()), ("high", pa.int64()), ("low", pa.int64())])


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
    histograms = count_histograms(counts)
    rule = Rule(options.anchor_language, options.same_t, options.tail_share)
    thresholds = rule.candidate(histograms, options.t).thresholds
    head = head_entries(spark, counts, [(name, t, histograms[name].size) for name, t in thresholds.items()])
    pairs: dict[str, int] = dict(matched.groupBy("metadata_lang").count().collect())
    expected = expected_pairs(matched, head, draw)
    rows = [
        (
            name,
            thresholds[name],
            histogram.tail_share(thresholds[name]),
            histogram.matches,
            histogram.size,
            histogram.unmatched,
            pairs.get(name, 0),
            expected.get(name, 0.0),
        )
        for name, histogram in sorted(histograms.items(), key=lambda item: item[0].encode())
    ]
    return spark.createDataFrame(rows, ddl(THRESHOLDS)).coalesce(1)


def expected_pairs(matched: DataFrame, head: Head, draw: DrawOptions) -> dict[str, float]:
    """Adds up the keep probabilities of the pairs that draw.

    Args:
        matched: Rows of `schemas.MATCHED`.
        head: Heads of the languages, from `head_entries`.
        draw: How pairs will be drawn.

    Returns:
        Expected number of kept pairs by language: the exact sum, rounded once, to float64.
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
