"""Shuffles that send each row to a given partition, and cuts of sorted batches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

# With this many candidates per partition, one of 10^12 partitions has no key.
_CANDIDATES = 32
_HASH_SEED = 42  # of Spark's function `hash`

Words = npt.NDArray[np.uint32]


def numbered_tasks(spark: SparkSession, tasks: int) -> DataFrame:
    """Returns the numbers 0 to tasks - 1 as `id`, each in a partition of its own, without a shuffle."""
    return spark.range(0, tasks, 1, tasks)


@lru_cache(maxsize=8)
def partition_keys(partitions: int) -> tuple[int, ...]:
    """Finds for each of n partitions an integer that Spark's hash partitioner sends there.

    `DataFrame.repartition(n, key)` sends a row to pmod(hash(key), n). With these keys a stage decides where a row
    goes, without an RDD or the JVM.

    Args:
        partitions: Number n of partitions.

    Returns:
        n integers, of which the k-th is sent to partition k.
    """
    candidates = np.arange(_CANDIDATES * partitions, dtype=np.uint32)
    found, keys = np.unique(spark_hash(candidates).view(np.int32) % partitions, return_index=True)
    if len(found) < partitions:
        raise RuntimeError(f"no key for {partitions - len(found)} of {partitions} partitions")
    return tuple(keys.tolist())


def spark_hash(numbers: Words) -> Words:
    """Returns Spark's `hash` of numbers as bigint: MurmurHash3_x86_32 of their 8 bytes, of which the upper 4 are 0.

    Args:
        numbers: Shape (n,).
    """
    state = _mixed(_mixed(np.full_like(numbers, _HASH_SEED), numbers), np.zeros_like(numbers)) ^ np.uint32(8)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state = (state ^ (state >> np.uint32(shift))) * np.uint32(factor)
    return state ^ (state >> np.uint32(16))


def _mixed(state: Words, block: Words) -> Words:
    scrambled = _rotated(block * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
    return _rotated(state ^ scrambled, 13) * np.uint32(5) + np.uint32(0xE6546B64)


def _rotated(words: Words, bits: int) -> Words:
    return (words << np.uint32(bits)) | (words >> np.uint32(32 - bits))


def shuffle_to_partitions(rows: DataFrame, partitions: int, partition: str) -> DataFrame:
    """Shuffles rows so that each is in the partition that its column `partition` names.

    Args:
        rows: Rows with an integer column of values from 0 to partitions - 1.
        partitions: Number of partitions.
        partition: Name of that column, which is dropped.

    Returns:
        The rows with their other columns.
    """
    if partitions == 1:
        return rows.drop(partition).repartition(1)
    # As one literal, since each takes a millisecond on its way to the JVM.
    keys = F.from_json(F.lit(json.dumps(partition_keys(partitions))), "array<bigint>")
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
