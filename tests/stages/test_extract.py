"""Pairs and accounts from one pass, whatever fails on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate import storage
from metaclip_curate.extract import ReadOptions
from metaclip_curate.run.file_list import Origin
from metaclip_curate.schemas import PAIRS
from metaclip_curate.stages.extract import added_up, write_pairs
from metaclip_curate.stages.extract_task import ExtractTask, InputPart
from metaclip_curate.storage import StorageOptions
from tests.conftest import ROOT

TASK = ExtractTask(ReadOptions(batch_links=100), StorageOptions())


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
    expected = write_pairs(spark, list(map(InputPart, paths)), TASK, str(tmp_path / "undisturbed")).inputs
    program = [sys.executable, "-m", "tests.support.flaky_extract", str(tmp_path / "flaky"), *paths]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "the first attempt fails" in done.stderr
    assert without_seconds(json.loads(done.stdout)) == without_seconds(expected)
    assert rows(tmp_path / "flaky") == rows(tmp_path / "undisturbed")
    assert sum(row["pairs"] for row in expected) == len(rows(tmp_path / "flaky")) > 1000


def test_a_file_that_no_account_tells_of_is_done_away_with(
    tmp_path: Path, spark: SparkSession, mini_wats: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an attempt leaves it that was given up for lost, went on, and got other rows from the network."""

    def listed(*given: Any) -> list[str]:
        calls.append(given)
        if len(calls) <= strays:
            (tmp_path / "pairs" / "zzz.parquet").write_bytes(b"of an attempt that doesn't count")
        return real(*given)

    real = storage.list_parquet
    calls: list[Any] = []
    monkeypatch.setattr(storage, "list_parquet", listed)
    strays = 1
    found = write_pairs(spark, [InputPart(str(mini_wats[0]))], TASK, str(tmp_path / "pairs"))
    assert found.inputs[0]["pairs"] == len(rows(tmp_path / "pairs")) > 1000
    assert [file.name for file in found.files] == [path.name for path in (tmp_path / "pairs").iterdir()]
    calls.clear()
    strays = 100
    with pytest.raises(RuntimeError, match=r"pairs has \[.*zzz.parquet'\], and the tasks reported \["):
        write_pairs(spark, [InputPart(str(mini_wats[0]))], TASK, str(tmp_path / "pairs"))


def test_the_parts_of_a_file_are_one_row() -> None:
    parts = [
        {"path": "b", "status": "ok", "error": "", "records": 3, "pairs": 2, "seconds": 0.5},
        {"path": "a", "status": "failed", "error": "gone", "records": 0, "pairs": 0, "seconds": 0.25},
        {"path": "b", "status": "failed", "error": "broken", "records": 1, "pairs": 0, "seconds": 0.25},
        {"path": "a", "status": "failed", "error": "gone too", "records": 0, "pairs": 0, "seconds": 0.25},
        {"path": "b", "status": "ok", "error": "", "records": 4, "pairs": 4, "seconds": 0.25},
    ]
    assert added_up(parts) == [
        {"path": "a", "status": "failed", "error": "gone", "records": 0, "pairs": 0, "seconds": 0.5},
        {"path": "b", "status": "partial", "error": "broken", "records": 8, "pairs": 6, "seconds": 1.0},
    ]


def test_an_input_has_a_file_of_its_own_named_by_what_is_in_it(
    tmp_path: Path, spark: SparkSession, mini_wats: list[Path]
) -> None:
    first = write_pairs(spark, [InputPart(str(wat)) for wat in mini_wats], TASK, str(tmp_path / "a"))
    write_pairs(spark, [InputPart(str(wat)) for wat in mini_wats[::-1]], TASK, str(tmp_path / "b"))
    names = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert len(names) == len(first.inputs) == 2
    origins = {name: pq.read_table(tmp_path / "a" / name).slice(0, 1).to_pylist()[0] for name in names}
    assert first.origins == {name: Origin(row["crawl"], row["source_file"]) for name, row in origins.items()}
    assert {origin.crawl for origin in first.origins.values()} == {"CC-MAIN-2025-30"}
    assert names == sorted(file.name for file in (tmp_path / "b").iterdir())
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
