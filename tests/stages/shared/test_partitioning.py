"""Placing rows."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from metaclip_curate.stages.shared.partitioning import (
    numbered_tasks,
    partition_keys,
    shuffle_to_partitions,
    spark_hash,
)


@pytest.mark.parametrize("partitions", [1, 2, 7, 100])
def test_rows_go_to_the_partition_that_they_name(spark: SparkSession, partitions: int) -> None:
    rows = spark.range(500).select("id", (F.col("id") % partitions).cast("int").alias("partition"))
    placed = shuffle_to_partitions(rows, partitions, "partition").select("id", F.spark_partition_id().alias("at"))
    found = {row["id"]: row["at"] for row in placed.collect()}
    assert found == {number: number % partitions for number in range(500)}


def test_spark_computes_the_same_hash(spark: SparkSession) -> None:
    numbers = spark.range(1000).select(F.hash(F.col("id"))).collect()
    assert spark_hash(np.arange(1000, dtype=np.uint32)).view(np.int32).tolist() == [row[0] for row in numbers]


def test_each_of_many_partitions_has_a_key() -> None:
    keys = partition_keys(36_000)
    assert len(set(keys)) == 36_000


def test_each_numbered_task_has_its_number(spark: SparkSession) -> None:
    rows = numbered_tasks(spark, 5).select("id", F.spark_partition_id().alias("at")).collect()
    assert [tuple(row) for row in rows] == [(number, number) for number in range(5)]
