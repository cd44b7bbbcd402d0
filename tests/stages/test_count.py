"""Entry counts of small tables."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import COUNTS
from metaclip_curate.stages.count import CountTask, ListedEntries, write_counts
from metaclip_curate.stages.shared import metadata_entries
from metaclip_curate.stages.shared.tables import read_named
from metaclip_curate.storage import StorageOptions

EXPECTED = [("de", 0, "der", 0), ("de", 1, "die", 1), ("en", 0, "a", 1), ("en", 1, "b", 0), ("en", 2, "c", 2)]


@pytest.fixture
def matched(spark: SparkSession) -> DataFrame:
    rows = [("en", [0, 2]), ("de", [1]), ("en", [2])]
    return spark.createDataFrame(rows, "metadata_lang string, entry_ids array<int>").repartition(2)


@pytest.fixture
def task(tmp_path: Path) -> CountTask:
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    (metadata / "de.txt").write_text("der\ndie\n")
    (metadata / "en.txt").write_text("a\nb\nc\n")
    digests = MetadataFolder.open(metadata).digests()
    entries = ListedEntries(str(metadata), digests, StorageOptions())
    return CountTask(entries, str(tmp_path / "counts"), StorageOptions())


@pytest.mark.parametrize("bytes_per_task", [1, 1 << 20])
def test_workers_write_the_counts_of_all_entries(
    spark: SparkSession, matched: DataFrame, task: CountTask, monkeypatch: pytest.MonkeyPatch, bytes_per_task: int
) -> None:
    monkeypatch.setattr(metadata_entries, "_BYTES_PER_TASK", bytes_per_task)
    files, matches = write_counts(matched, task)
    assert [(file.name, file.rows) for file in files] == (
        [("part-00000.parquet", 2), ("part-00001.parquet", 3)] if bytes_per_task == 1 else [("part-00000.parquet", 5)]
    )
    assert matches == 4
    rows = [tuple(row) for file in files for row in read_named(spark, task.counts, [file], COUNTS).collect()]
    assert rows == EXPECTED


def test_counts_of_no_language_are_an_empty_table(spark: SparkSession, matched: DataFrame, task: CountTask) -> None:
    files, matches = write_counts(
        matched.limit(0), dataclasses.replace(task, entries=ListedEntries("", {}, task.storage))
    )
    assert [file.rows for file in files] == [0]
    assert matches == 0


def test_a_list_that_has_changed_is_not_counted(matched: DataFrame, task: CountTask, tmp_path: Path) -> None:
    (tmp_path / "metadata" / "en.txt").write_text("a\nb\nd\n")
    with pytest.raises(Exception, match="has changed while it was in use"):
        write_counts(matched, task)
