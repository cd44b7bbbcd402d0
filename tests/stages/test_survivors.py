"""What became of each pair, from rows as img2dataset writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from metaclip_curate.stages.survivors import read_outcomes, verdicts, without_equal_images
from tests import downloads

Rows = list[dict[str, Any]]


def judge(spark: SparkSession, folders: list[Path], listed: list[str], drop_equal: bool) -> dict[str, tuple[bool, str]]:
    manifest = spark.createDataFrame([(uid,) for uid in listed], "uid string")
    judged = verdicts(manifest, read_outcomes(spark, [str(folder) for folder in folders]))
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
