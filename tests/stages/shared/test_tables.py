"""Tables read by Spark and written by its workers."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.run.file_list import TableFile
from metaclip_curate.schemas import COUNTS, MATCHED, ddl
from metaclip_curate.stages import count, match
from metaclip_curate.stages.shared.tables import (
    damaged_file,
    literal,
    read_files,
    read_named,
    read_table,
    write_table,
)
from metaclip_curate.storage import StorageOptions
from tests.support import made_run

STORAGE = StorageOptions()


def test_characters_of_patterns_name_themselves(tmp_path: Path, spark: SparkSession) -> None:
    for number, name in enumerate(["x[1]", "x1", "{a,b}", "a", "*?", "back\\slash", "100% a:b ä"]):
        rows = spark.createDataFrame([("en", 0, name, number)], ddl(COUNTS))
        folder = str(tmp_path / name)
        files = write_table(rows, count.LAYOUT, folder, STORAGE)
        assert [row.entry for row in read_named(spark, folder, files, COUNTS).collect()] == [name]
        assert [row.entry for row in read_files(spark, [folder], ddl(COUNTS)).collect()] == [name]


def test_local_names_are_local_on_clusters_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert literal("runs/x[1]") == f"file://{tmp_path}/runs/x\\[1\\]"
    assert literal((tmp_path / "a b").as_uri()) == f"file://{tmp_path}/a b"
    assert literal("s3://b/x{1}/a.parquet") == "s3://b/x\\{1\\}/a.parquet"


def test_what_is_written_is_read(tmp_path: Path, spark: SparkSession) -> None:
    rows = sorted(made_run.matched_rows(images=200, seed=3), key=lambda row: str(row["uid"]))
    frame = spark.createDataFrame([tuple(row[name] for name in MATCHED.names) for row in rows], ddl(MATCHED))
    files = write_table(frame.repartition(3, "metadata_lang"), match.LAYOUT, str(tmp_path), STORAGE)
    # A partition without rows has no file.
    assert [file.name for file in files] == sorted(path.name for path in tmp_path.iterdir())
    assert all(file.rows and file.size == (tmp_path / file.name).stat().st_size for file in files)
    assert sum(file.rows for file in files) == len(rows)
    assert pq.read_schema(tmp_path / files[0].name).equals(MATCHED)
    found = read_named(spark, str(tmp_path), files, MATCHED).collect()
    assert sorted((row.asDict() for row in found), key=lambda row: str(row["uid"])) == rows


def test_a_table_without_rows_has_a_file(tmp_path: Path, spark: SparkSession) -> None:
    empty = read_table(spark, [], COUNTS)
    assert [file.rows for file in write_table(empty, count.LAYOUT, str(tmp_path), STORAGE)] == [0]
    assert pq.read_table(tmp_path / "part-00000.parquet").schema.equals(COUNTS)


def test_a_flipped_bit_of_a_page_is_an_error_that_names_the_file(tmp_path: Path, spark: SparkSession) -> None:
    folder = tmp_path / "with [brackets]"
    rows = [("en", number, f"entry {number}", number) for number in range(1000)]
    files = write_table(spark.createDataFrame(rows, ddl(COUNTS)).coalesce(1), count.LAYOUT, str(folder), STORAGE)
    path = folder / files[0].name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    with pytest.raises(Exception, match="checksum") as caught:
        read_table(spark, [TableFile(str(path), len(rows))], COUNTS).groupBy().sum("count").collect()
    assert damaged_file(caught.value) == str(path)
    assert damaged_file(ValueError(f"{path} is no number")) == ""
