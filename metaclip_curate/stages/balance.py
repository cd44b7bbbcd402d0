"""Entry counts to thresholds, and the expected number of pairs in the manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.run.summaries import LanguageThreshold
from metaclip_curate.schemas import THRESHOLDS, ddl
from metaclip_curate.stages.count_histograms import count_histograms
from metaclip_curate.stages.sample import Head, drawing_texts, head_entries, with_probabilities
from metaclip_curate.stages.shared.exact_sums import ExactSums, rounded_sum
from metaclip_curate.stages.shared.parquet_files import Layout
from metaclip_curate.thresholds import Rule

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
    rule = Rule(options.anchor_language, options.same_t, options.tail_share)
    thresholds = rule.candidate(histograms, options.t).thresholds
    head = head_entries(counts, [(name, t, histograms[name].size) for name, t in thresholds.items()])
    drawing, expected = expected_pairs(matched, head, draw)
    every_pair_draws = draw.texts_per_image == "all"
    pairs = drawing if every_pair_draws else dict(matched.groupBy("metadata_lang").count().collect())
    rows = [
        LanguageThreshold(
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
    return pa.RecordBatch.from_pylist(list(map(dataclasses.asdict, rows)), schema=THRESHOLDS)


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
        pairs: dict[str, int] = {}
        sums: dict[str, ExactSums] = {}
        for rows, probabilities in with_probabilities(batches, head):
            language = rows.column("metadata_lang")[0].as_py()
            pairs[language] = pairs.get(language, 0) + rows.num_rows
            of_language = sums.setdefault(language, ExactSums(candidates=1, slots=1))
            of_language.add(np.zeros(rows.num_rows, dtype=np.int64), probabilities[np.newaxis])
        for language, of_language in sums.items():
            row = [language, pairs[language], int(of_language.high[0, 0]), int(of_language.low[0, 0])]
            yield pa.RecordBatch.from_arrays([pa.array([value]) for value in row], schema=_SUMS)

    return run
