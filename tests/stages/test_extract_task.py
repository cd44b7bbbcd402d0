"""What a task writes: the pairs of a large pool go to several files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from examples import pool_writer
from metaclip_curate.extract import ReadOptions, read_pairs
from metaclip_curate.stages.extract_task import ExtractTask, InputPart, write_pairs_of
from metaclip_curate.storage import StorageOptions

TASK = ExtractTask(ReadOptions(), StorageOptions(), pool_file_rows=10)


def test_the_pairs_of_a_large_pool_are_divided_over_files(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    rows = [{"url": f"https://a.example/{number}", "text": f"text {number % 24}"} for number in range(25)]
    pool_writer.write_parquet(path, rows, row_group_size=5)
    written, stats = write_pairs_of(InputPart(str(path)), TASK, str(tmp_path / "a"))
    assert [each.file.rows for each in written] == [10, 10, 5]
    assert (stats.pairs, stats.records) == (25, 25)
    found = pa.concat_tables(pq.read_table(tmp_path / "a" / each.file.name) for each in written)
    assert found.to_pylist() == pa.Table.from_batches(read_pairs(str(path))).to_pylist()
    # A repeated attempt writes the same files, and another part others.
    again, _ = write_pairs_of(InputPart(str(path)), TASK, str(tmp_path / "a"))
    assert again == written
    assert len(list((tmp_path / "a").iterdir())) == len({each.file.name for each in written}) == 3


def test_pieces_with_the_same_pairs_have_different_names(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("url,text\n")
    empty, _ = write_pairs_of(InputPart(str(path)), TASK, str(tmp_path / "a"))
    assert [each.file.rows for each in empty] == [0]
    other, _ = write_pairs_of(InputPart(str(tmp_path / "q.csv")), TASK, str(tmp_path / "a"))
    assert other[0].file.name != empty[0].file.name


def test_the_pairs_of_a_crawl_file_stay_together(tmp_path: Path, mini_wats: list[Path]) -> None:
    written, stats = write_pairs_of(InputPart(str(mini_wats[0])), replace(TASK, pool_file_rows=1), str(tmp_path / "a"))
    assert [each.file.rows for each in written] == [stats.pairs]
    assert written[0].crawl == "CC-MAIN-2025-30"
