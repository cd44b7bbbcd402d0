"""The candidates among a Wikipedia's words and pairs, from the counts that the stage ngrams wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.metadata.building.ngrams import pmi
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.metadata.ngrams import COUNTS_FOLDER
from metaclip_curate.stages.metadata.wikipedia import COUNTS

BIGRAMS = pa.schema([("entry", pa.string()), ("count", pa.int64()), ("pmi", pa.float64())])


def read_counts(spark: SparkSession, folder: str) -> DataFrame:
    """Reads the rows of `COUNTS` that `build_ngrams` wrote to a folder."""
    return spark.read.schema(ddl(COUNTS)).parquet(storage.join(folder, COUNTS_FOLDER))


def unigrams_of(counts: DataFrame, wikipedia: str) -> DataFrame:
    """Selects the words of a Wikipedia.

    Args:
        counts: Rows of `COUNTS`.
        wikipedia: Code of the edition.

    Returns:
        Rows of entry and count, each word once.
    """
    words = F.col("second").isNull() & F.col("joiner").isNotNull()
    return counts.filter((F.col("wikipedia") == wikipedia) & words).select(F.col("first").alias("entry"), "count")


def bigrams_of(counts: DataFrame, wikipedia: str, tokens: int, lowest_count: int) -> DataFrame:
    """Computes the mutual information of the pairs of a Wikipedia.

    Args:
        counts: Rows of `COUNTS`.
        wikipedia: Code of the edition.
        tokens: Number of tokens of the edition.
        lowest_count: Lowest count of a pair.

    Returns:
        Rows of `BIGRAMS`. Of two pairs that make up the same string, the one with the higher PMI is kept.
    """
    frequent = counts.filter((F.col("wikipedia") == wikipedia) & (F.col("count") >= lowest_count))
    pairs = frequent.filter(F.col("second").isNotNull())
    # A word occurs at least as often as any pair that it is in.
    words = unigrams_of(frequent, wikipedia)
    first = words.select(F.col("entry").alias("first"), F.col("count").alias("n_first"))
    second = words.select(F.col("entry").alias("second"), F.col("count").alias("n_second"))
    joined = pairs.join(first, "first").join(second, "second")
    entry = F.concat("first", "joiner", "second").alias("entry")
    scored = joined.select(entry, "count", "n_first", "n_second").mapInArrow(_scorer(tokens), ddl(BIGRAMS))
    best = F.max(F.struct("pmi", "count")).alias("best")
    return scored.groupBy("entry").agg(best).select("entry", "best.count", "best.pmi")


def _scorer(tokens: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            counts = (column.to_pylist() for column in batch.columns[1:])
            values = pa.array([pmi(pair, x, y, tokens) for pair, x, y in zip(*counts, strict=True)], pa.float64())
            yield pa.RecordBatch.from_arrays([batch.column(0), batch.column(1), values], schema=BIGRAMS)

    return score
