"""Shuffles that send each row to a given partition, and cuts of sorted batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

# With this many candidates per partition, one of 10^12 partitions has no key.
_CANDIDATES = 32


@lru_cache(maxsize=256)
def partition_keys(spark: SparkSession, partitions: int) -> tuple[int, ...]:
    """Finds for each of n partitions an integer that Spark's hash partitioner sends there.

    `DataFrame.repartition(n, key)` sends a row to pmod(hash(key), n). With these keys a stage decides where a row
    goes, without an RDD or the JVM.

    Args:
        spark: The session.
        partitions: Number n of partitions.

    Returns:
        n integers, of which the k-th is sent to partition k.
    """
    candidates = spark.range(_CANDIDATES * partitions).select(
        F.col("id"), F.pmod(F.hash(F.col("id")), F.lit(partitions)).alias("partition")
    )
    found = candidates.groupBy("partition").agg(F.min("id").alias("id")).collect()
    keys = {row["partition"]: row["id"] for row in found}
    if len(keys) < partitions:
        raise RuntimeError(f"no key for {partitions - len(keys)} of {partitions} partitions")
    return tuple(keys[partition] for partition in range(partitions))


def shuffle_to_partitions(rows: DataFrame, spark: SparkSession, partitions: int, partition: str) -> DataFrame:
    """Shuffles rows so that each is in the partition that its column `partition` names.

    Args:
        rows: Rows with an integer column of values from 0 to partitions - 1.
        spark: The session.
        partitions: Number of partitions.
        partition: Name of that column, which is dropped.

    Returns:
        The rows with their other columns.
    """
    if partitions == 1:
        return rows.drop(partition).repartition(1)
    keys = F.array(*[F.lit(key).cast("long") for key in partition_keys(spark, partitions)])
    key = F.element_at(keys, (F.col(partition) + 1).cast("int"))
    return rows.withColumn("_key", key).repartition(partitions, F.col("_key")).drop("_key", partition)


def first_of_each_run(batches: Iterator[pa.RecordBatch], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Keeps the first of neighbouring rows with equal values.

    Args:
        batches: Rows sorted by the columns.
        columns: Names of string columns without nulls.

    Yields:
        The batches without repeated rows, and without batches that become empty.
    """
    last: tuple[str, ...] | None = None
    for batch in batches:
        if not batch.num_rows:
            continue
        values = [batch.column(batch.schema.get_field_index(name)) for name in columns]
        current = tuple(column[0].as_py() for column in values)
        changes = pa.nulls(batch.num_rows - 1, pa.bool_()).fill_null(False)
        for column in values:
            changes = pc.or_(changes, pc.not_equal(column[1:], column[:-1]))
        keep = pa.concat_arrays([pa.array([current != last]), changes])
        last = tuple(column[-1].as_py() for column in values)
        kept = batch.filter(keep)
        if kept.num_rows:
            yield kept


def by_language(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yields the slices of a batch between changes of its column metadata_lang, with their language."""
    if not batch.num_rows:
        return
    encoded = pc.run_end_encode(batch.column(batch.schema.get_field_index("metadata_lang")))
    start = 0
    for end, language in zip(encoded.run_ends.to_pylist(), encoded.values.to_pylist(), strict=True):
        yield language, batch.slice(start, end - start)
        start = end
