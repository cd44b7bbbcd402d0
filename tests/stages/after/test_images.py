"""Matched pairs to images with all their texts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from metaclip_curate import schemas
from metaclip_curate.stages.after.images import write_images
from tests.support import made_run

_TEXT = ("uid", "text", "lang", "metadata_lang", "entry_ids")


def test_each_image_once_with_all_its_texts(spark: SparkSession, tmp_path: Path) -> None:
    rows = made_run.matched_rows(images=40, seed=1)
    made_run.write_table(tmp_path / "matched" / "part-0.parquet", rows, schemas.MATCHED)
    matched = spark.read.schema(schemas.ddl(schemas.MATCHED)).parquet(str(tmp_path / "matched"))
    write_images(matched, str(tmp_path / "images"), images_per_file=10)
    # A pattern would take Spark's marks for files.
    files = sorted((tmp_path / "images").glob("part-*.parquet"))
    found = [row for file in files for row in pq.read_table(file).to_pylist()]
    assert len(files) == 4
    assert [row["image_id"] for row in found] == sorted({row["image_id"] for row in rows})
    for row in found:
        mine: list[dict[str, Any]] = [each for each in rows if each["image_id"] == row["image_id"]]
        assert hashlib.sha224(row["url"].encode()).hexdigest()[:24] == row["image_id"]
        expected = sorted(mine, key=lambda each: str(each["uid"]))
        assert row["texts"] == [{name: each[name] for name in _TEXT} for each in expected]
        assert row["text"] == expected[0]["text"]
