"""Deduplication through Spark against the oracle: files in any order, passes, and known pairs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metaclip_curate.language import LabelRule
from metaclip_curate.schemas import DISTINCT, PAIRS
from metaclip_curate.stages import dedup, dedup_task
from metaclip_curate.stages.dedup import write_distinct
from metaclip_curate.stages.dedup_task import DedupTask, KnownFile, RankedFile, origin_hash
from tests.support import oracle, runs

Rows = list[dict[str, Any]]
WORDS = ["the house by the sea", "das Haus am Meer", "la maison au bord de la mer", "дом у моря", "海辺の家", "?"]
FILES = 9


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tasks for a few hundred pairs."""
    monkeypatch.setattr(dedup_task, "_FEWEST_PAIRS", 60)
    monkeypatch.setattr(dedup, "_HELD_BYTES", 1 << 13)


def files_of_pairs(seed: int) -> list[Rows]:
    """Files with many pairs in common; one is empty, and names don't sort as their numbers do."""
    chosen = random.Random(seed)
    files = []
    for number in range(FILES):
        pairs = {(chosen.randrange(60), chosen.choice(WORDS)) for _ in range(chosen.choice([0, 40, 90]))}
        rows = []
        for image, text in sorted(pairs, key=lambda pair: chosen.random()):
            url = f"https://images.example/{image}.jpg"
            ids = {"uid": oracle.uid_of(url, text), "image_id": oracle.image_id_of(url), "url": url, "text": text}
            page = {
                "page_url": f"https://pages.example/{number}/{image}",
                "page_lang": chosen.choice(["", "de-at", "ja"]),
            }
            origin = {"crawl": f"C{number % 2}", "source_file": f"file {number}", "license": "", "source_id": ""}
            rows.append({**ids, **page, **origin, "text_source": "alt"})
        files.append(rows)
    return files


def written(folder: Path, files: list[Rows]) -> list[RankedFile]:
    """Writes files of pairs; returns those with rows, in the order of their ranks."""
    folder.mkdir(exist_ok=True)
    origins = sorted((rows[0]["crawl"], rows[0]["source_file"]) for rows in files if rows)
    found = []
    for number, rows in enumerate(files):
        if rows:
            path = folder / f"{number}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, schema=PAIRS), path, row_group_size=13)
            rank = origins.index((rows[0]["crawl"], rows[0]["source_file"]))
            found.append(RankedFile(str(path), len(rows), rank))
    return sorted(found, key=lambda file: file.rank)


def task_of(files: Sequence[RankedFile], **given: Any) -> DedupTask:
    return replace(DedupTask(files, (), {}, LabelRule(), "", 20, 1, 0), **given)


def table(*folders: Path) -> Rows:
    files = sorted(str(path) for folder in folders for path in folder.glob("*.parquet"))
    rows: Rows = pyarrow.dataset.dataset(files, schema=DISTINCT).to_table().to_pylist()
    return sorted(rows, key=lambda row: row["uid"])


def expected(files: list[Rows]) -> Rows:
    return oracle.distinct((row for rows in files for row in rows), runs.identify)


@pytest.mark.parametrize(("seed", "passes", "min_score"), [(1, 1, None), (2, 3, 0.9)])
def test_each_uid_stays_once_as_its_first_row(
    tmp_path: Path, spark: SparkSession, seed: int, passes: int, min_score: float | None
) -> None:
    files = files_of_pairs(seed)
    random.Random(seed).shuffle(files)
    task = task_of(written(tmp_path / "pairs", files), rule=LabelRule(min_score), passes=passes)
    folders = [tmp_path / f"pass {number}" for number in range(passes)]
    results = [write_distinct(spark, replace(task, dedup_pass=n), str(each)) for n, each in enumerate(folders)]
    found = table(*folders)
    assert found == expected(files)
    assert sum(result.pairs for result in results) == sum(map(len, files))
    labels = [oracle.label_of(row, min_score) for row in found]
    sums = {label: sum(result.labels.get(label, 0) for result in results) for label in labels}
    assert sums == {label: labels.count(label) for label in labels}
    for result, folder in zip(results, folders, strict=True):
        assert len(result.files) > 1
        assert [file.name for file in result.files] == sorted(path.name for path in folder.iterdir())
        for file in result.files:
            parquet = pq.ParquetFile(folder / file.name)
            groups = [parquet.read_row_group(number).to_pylist() for number in range(parquet.num_row_groups)]
            in_file = [[oracle.label_of(row, min_score) for row in rows] for rows in groups]
            assert all(len(set(of_group)) == 1 for of_group in in_file)
            assert [of_group[0] for of_group in in_file] == sorted({of_group[0] for of_group in in_file})
            assert all([row["uid"] for row in rows] == sorted(row["uid"] for row in rows) for rows in groups)


def test_the_same_files_are_written_each_time(tmp_path: Path, spark: SparkSession) -> None:
    task = task_of(written(tmp_path / "pairs", files_of_pairs(3)))
    for name in ("a", "b"):
        write_distinct(spark, task, str(tmp_path / name))
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_new_files_add_what_is_not_known(tmp_path: Path, spark: SparkSession) -> None:
    files = files_of_pairs(4)
    ranked = written(tmp_path / "pairs", files)
    old, new = ranked[:-3], ranked[-3:]
    first = write_distinct(spark, task_of(old), str(tmp_path / "old"))
    known = [KnownFile(str(tmp_path / "old" / file.name), file.rows) for file in first.files]

    def grown(new: list[RankedFile], old: list[RankedFile], known: list[KnownFile]) -> DedupTask:
        origins = [pq.read_table(file.url, columns=["crawl", "source_file"]).to_pylist()[0] for file in old]
        ranks = {origin_hash(**row): file.rank for row, file in zip(origins, old, strict=True)}
        return task_of(new, known=known, ranks=ranks)

    result = write_distinct(spark, grown(new, old, known), str(tmp_path / "new"))
    assert result.superseding == 0
    assert table(tmp_path / "old", tmp_path / "new") == expected(files)

    # The other way round, new rows precede known ones of their uids, and nothing is written.
    later = write_distinct(spark, task_of(new), str(tmp_path / "later"))
    known = [KnownFile(str(tmp_path / "later" / file.name), file.rows) for file in later.files]
    result = write_distinct(spark, grown(old, new, known), str(tmp_path / "before"))
    both = {row["uid"] for row in table(tmp_path / "old")} & {row["uid"] for row in table(tmp_path / "later")}
    assert result.superseding == len(both) > 0
    assert not (tmp_path / "before").exists()


def test_no_pairs_give_an_empty_file(tmp_path: Path, spark: SparkSession) -> None:
    result = write_distinct(spark, task_of([]), str(tmp_path / "a"))
    assert table(tmp_path / "a") == []
    assert (result.pairs, result.labels, [file.rows for file in result.files]) == (0, {}, [0])


def test_a_damaged_file_is_named(tmp_path: Path, spark: SparkSession) -> None:
    ranked = written(tmp_path / "pairs", files_of_pairs(5))
    data = bytearray(Path(ranked[0].url).read_bytes())
    Path(ranked[0].url).write_bytes(data[: len(data) // 2])
    with pytest.raises(Exception, match=f"corrupt data while reading file {ranked[0].url}"):
        write_distinct(spark, task_of(ranked), str(tmp_path / "a"))
