"""Shuffles that send each row to a given partition."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import numpy.typing as npt
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
