"""Pairs and accounts from one pass, whatever fails on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.extract import ReadOptions
from metaclip_curate.schemas import PAIRS
from metaclip_curate.stages import accounts as accounts_module
from metaclip_curate.stages import extract
from metaclip_curate.stages.extract import ExtractTask, write_pairs
from metaclip_curate.storage import StorageOptions
from tests.conftest import ROOT

TASK = ExtractTask("", ReadOptions(batch_rows=100), StorageOptions())


def rows(folder: Path) -> list[dict[str, Any]]:
    files = sorted(map(str, folder.glob("*.parquet")))
    table = pyarrow.dataset.dataset(files, schema=PAIRS).to_table()
    return sorted(table.to_pylist(), key=lambda row: (row["source_file"], row["uid"]))


def without_seconds(accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in accounts]


def test_tasks_that_fail_after_all_of_their_rows_change_nothing(
    tmp_path: Path, spark: SparkSession, mini_wats: list[Path]
) -> None:
    paths = list(map(str, mini_wats))
    expected = write_pairs(spark, paths, TASK, str(tmp_path / "undisturbed"))
    environment = os.environ | {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    program = [sys.executable, "-m", "tests.stages.flaky_extract", str(tmp_path / "flaky"), *paths]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "the first attempt fails" in done.stderr
    assert without_seconds(json.loads(done.stdout)) == without_seconds(expected)
    assert rows(tmp_path / "flaky") == rows(tmp_path / "undisturbed")
    assert sum(row["pairs"] for row in expected) == len(rows(tmp_path / "flaky")) > 1000


def test_pairs_that_the_accounts_do_not_tell_of_are_an_error(
    tmp_path: Path, spark: SparkSession, mini_wats: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*given: Any) -> list[dict[str, Any]]:
        accounts = real(*given)
        accounts[0]["pairs"] += 1
        return accounts

    real = accounts_module.write_table
    monkeypatch.setattr(extract, "write_table", wrong)
    with pytest.raises(RuntimeError, match=r"pairs has [0-9]+ pairs, and 1 accounts of 1 files tell of"):
        write_pairs(spark, [str(mini_wats[0])], TASK, str(tmp_path / "pairs"))
