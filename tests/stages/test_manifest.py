"""The manifest's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.schemas import MANIFEST, ddl
from metaclip_curate.stages.draw_rows import ORDERED
from metaclip_curate.stages.manifest import ManifestFiles, write_manifest
from metaclip_curate.storage import StorageOptions

VALUES: dict[str, Any] = {"string": "x", "float": 0.5, "double": 0.5, "list<item: int32>": [1]}


def kept_row(number: int) -> tuple[Any, ...]:
    # Keys over the whole range; pairs of rows have equal ones, and only the uid gives their order.
    own = {"uid": f"{number * 7 % 40:032x}", "order_key": (number // 2) * 2**58}
    return tuple(own.get(field.name, VALUES.get(str(field.type))) for field in ORDERED)


@pytest.mark.parametrize(("rows_per_file", "sizes"), [(7, [7] * 5 + [5]), (20, [20, 20]), (40, [40]), (100, [40])])
def test_rows_are_in_the_order_of_their_keys(
    spark: SparkSession, tmp_path: Path, rows_per_file: int, sizes: list[int]
) -> None:
    rows = [kept_row(number) for number in range(40)]
    kept = spark.createDataFrame(rows, ddl(ORDERED)).repartition(3)
    written = write_manifest(spark, kept, len(rows), ManifestFiles(str(tmp_path), rows_per_file, StorageOptions()))
    assert [file.rows for file in written] == sizes
    tables = [pq.read_table(tmp_path / file.name) for file in written]
    assert all(table.schema.names == MANIFEST.names for table in tables)
    of_row = [ORDERED.get_field_index(name) for name in ("order_key", "uid")]
    ordered = sorted(tuple(row[index] for index in of_row) for row in rows)
    assert [uid for table in tables for uid in table.column("uid").to_pylist()] == [uid for _, uid in ordered]


def test_no_rows_are_an_empty_file(spark: SparkSession, tmp_path: Path) -> None:
    kept = spark.createDataFrame([], ddl(ORDERED))
    written = write_manifest(spark, kept, 0, ManifestFiles(str(tmp_path), 10, StorageOptions()))
    assert [(file.name, file.rows) for file in written] == [("part-00000.parquet", 0)]
