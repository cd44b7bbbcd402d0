"""What became of each pair, from rows as img2dataset writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.errors import UserError
from metaclip_curate.stages.after.downloaded_pairs import (
    outcomes_of,
    pair_outcomes,
    read_outcomes,
    without_equal_images,
)
from metaclip_curate.storage import StorageOptions
from tests.support import downloads

Rows = list[dict[str, Any]]


def judge(spark: SparkSession, folders: list[Path], listed: list[str], drop_equal: bool) -> dict[str, tuple[bool, str]]:
    manifest = spark.createDataFrame([(uid,) for uid in listed], "uid string")
    files = [str(file) for folder in folders for file in sorted(folder.glob("*.parquet"))]
    judged = pair_outcomes(manifest, read_outcomes(spark, files, ["uid", "status"], StorageOptions()))
    if drop_equal:
        judged = without_equal_images(judged)
    rows = judged.collect()
    assert len(rows) == len({row["uid"] for row in rows})
    return {row["uid"]: (row["in_manifest"], row["status"]) for row in rows}


def sample(uid: str, status: str, content: str = "") -> dict[str, Any]:
    row = {"url": f"https://a.example/{uid}", "text": uid, "uid": uid, "lang": "en"}
    return downloads.sample(row, 0, status, content or uid)


@pytest.fixture()
def two_tries(tmp_path: Path) -> list[Path]:
    first = [
        sample("a", "success"),
        sample("b", "failed_to_download"),
        sample("c", "failed_to_resize"),
        sample("d", "success", "a"),
        sample("e", "success", "a"),
        sample("z", "success", "a"),
        sample("elsewhere", "failed_to_download"),
        sample("0", "success", "a"),  # not in the manifest, so that its image takes no one's place
    ]
    second = [sample("a", "failed_to_download"), sample("b", "success", "b"), sample("c", "failed_to_download")]
    downloads.write(tmp_path / "first", first, a_shard=3)
    downloads.write(tmp_path / "second", second, a_shard=3)
    return [tmp_path / "first", tmp_path / "second"]


LISTED = ["e", "d", "z", "a", "b", "c", "gone"]


def test_one_success_is_enough_and_what_is_nowhere_is_missing(spark: SparkSession, two_tries: list[Path]) -> None:
    assert judge(spark, two_tries, LISTED, drop_equal=False) == {
        "a": (True, "success"),
        "b": (True, "success"),
        "c": (True, "failed_to_download"),
        "d": (True, "success"),
        "e": (True, "success"),
        "z": (True, "success"),
        "gone": (True, "missing"),
        "elsewhere": (False, "failed_to_download"),
        "0": (False, "success"),
    }


def test_of_equal_images_the_pair_with_the_smallest_uid_stays(spark: SparkSession, two_tries: list[Path]) -> None:
    found = judge(spark, two_tries, LISTED, drop_equal=True)
    assert [uid for uid in sorted(found) if found[uid] == (True, "success")] == ["a", "b"]
    assert [uid for uid in sorted(found) if found[uid] == (True, "equal_image")] == ["d", "e", "z"]
    assert found["c"] == (True, "failed_to_download")
    # The first try alone: b isn't fetched, and nothing else changes.
    assert judge(spark, two_tries[:1], LISTED, drop_equal=True)["b"] == (True, "failed_to_download")


def test_images_without_a_digest_stay(spark: SparkSession, tmp_path: Path) -> None:
    rows = [sample(uid, "success") | {"sha256": None} for uid in "abc"]
    downloads.write(tmp_path / "download", rows)
    found = judge(spark, [tmp_path / "download"], ["a", "b", "c"], drop_equal=True)
    assert set(found.values()) == {(True, "success")}


def test_files_of_one_folder_may_differ_in_their_types(spark: SparkSession, tmp_path: Path) -> None:
    rows = [sample(uid, "success", "same") | {"sha256": None} for uid in "ab"] + [sample("c", "success", "same")]
    downloads.write(tmp_path, rows, a_shard=1)
    for name, kind in (("00000", pa.null()), ("00001", pa.float64())):
        table = pq.read_table(tmp_path / f"{name}.parquet")
        column = table.column_names.index("sha256")
        pq.write_table(table.set_column(column, "sha256", pa.nulls(1, kind)), tmp_path / f"{name}.parquet")
    table = pq.read_table(tmp_path / "00002.parquet")
    for name in ("uid", "status", "sha256"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(pa.large_string()).dictionary_encode())
    pq.write_table(table, tmp_path / "00002.parquet")
    assert judge(spark, [tmp_path], ["a", "b", "c"], drop_equal=True) == dict.fromkeys("abc", (True, "success"))


def test_what_is_read_of_a_file(tmp_path: Path) -> None:
    file = str(tmp_path / "00000.parquet")
    pq.write_table(pa.table({"status": ["success", None], "uid": pa.nulls(2)}), file)
    read = outcomes_of(file, ["uid", "status"], StorageOptions())
    assert read.to_pylist() == [{"uid": None, "status": status, "sha256": None} for status in ("success", None)]
    with pytest.raises(UserError, match=r"00000\.parquet has no column sha256: download again with --compute_hash"):
        outcomes_of(file, ["sha256"], StorageOptions())
    pq.write_table(pa.table({"status": ["success"], "uid": [7]}), file)
    with pytest.raises(UserError, match=r"the column uid of .*00000\.parquet has the type int64"):
        outcomes_of(file, ["uid"], StorageOptions())
