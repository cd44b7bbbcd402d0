"""Entry counts to thresholds, and the expected number of pairs in the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import THRESHOLDS, ddl
from metaclip_curate.stages.count_histograms import count_histograms
from metaclip_curate.stages.keep_probabilities import Head, with_probabilities
from metaclip_curate.stages.sample import drawing_texts, head_entries
from metaclip_curate.stages.shared.exact_sums import rounded_sum
from metaclip_curate.stages.shared.parquet_files import Layout
from metaclip_curate.stages.threshold_rows import ExpectedPairs, chosen_thresholds, threshold_rows

LAYOUT = Layout(THRESHOLDS, repeating=(), statistics=("metadata_lang",))
_SUMS = pa.schema([("metadata_lang", pa.string()), ("pairs", pa.int64()), ("high", pa.int64()), ("low", pa.int64())])


def balance(matched: DataFrame, counts: DataFrame, options: BalanceOptions, draw: DrawOptions) -> pa.RecordBatch:
    """Chooses each language's threshold and computes how many pairs it is expected to keep.

    Args:
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
    thresholds = chosen_thresholds(histograms, options)
    head = head_entries(counts, [(name, t, histograms[name].size) for name, t in thresholds.items()])
    drawing, expected = expected_pairs(matched, head, draw)
    every_pair_draws = draw.texts_per_image == "all"
    pairs = drawing if every_pair_draws else dict(matched.groupBy("metadata_lang").count().collect())
    return threshold_rows(histograms, thresholds, pairs, expected)


def expected_pairs(matched: DataFrame, head: Head, draw: DrawOptions) -> tuple[dict[str, int], dict[str, float]]:
    """Adds up the keep probabilities of the pairs that draw.

    Args:
        matched: Rows of `schemas.MATCHED`.
        head: Heads of the languages, from `head_entries`.
        draw: How pairs will be drawn.

    Returns:
        Number of pairs that draw, and expected number of kept pairs, both by language; the latter is the exact sum,
        rounded once, to float64.
    """
    drawing = drawing_texts(matched.select("image_id", "uid", "metadata_lang", "entry_ids"), draw)
    parts = drawing.select("metadata_lang", "entry_ids").mapInArrow(_summer(head), ddl(_SUMS))
    if draw.texts_per_image == "one":
        # The texts were shuffled by image, so that every task has all languages. Files of `matched` have few.
        parts = parts.groupBy("metadata_lang").agg(F.sum("pairs"), F.sum("high"), F.sum("low"))
    sums: dict[str, list[int]] = {}
    for language, *of_task in parts.collect():
        sums[language] = [sum(both) for both in zip(sums.get(language, (0, 0, 0)), of_task, strict=True)]
    pairs = {language: number for language, (number, _, _) in sums.items()}
    return pairs, {language: rounded_sum(high, low) for language, (_, high, low) in sums.items()}


def _summer(head: Head) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = ExpectedPairs()
        for rows, probabilities in with_probabilities(batches, head):
            found.add(rows.column("metadata_lang")[0].as_py(), probabilities)
        for row in found.sums():
            yield pa.RecordBatch.from_arrays([pa.array([value]) for value in row], schema=_SUMS)

    return run
