"""Distinct pairs to matched pairs: each task reads a file, and writes one. Nothing is shuffled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.schemas import MATCHED, ddl
from metaclip_curate.stages.match_task import MATCH_STATS, NO_METADATA, MatchStats, MatchTask, match_file
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.partitioning import numbered_tasks
from metaclip_curate.stages.shared.tables import PART_FILE

__all__ = ["LAYOUT", "NO_METADATA", "MatchTask", "count_matches", "write_matched"]

LAYOUT = Layout(
    MATCHED,
    repeating=("text_source", "page_lang", "license", "crawl", "source_file", "lang", "metadata_lang"),
    statistics=("uid", "metadata_lang"),
)
_WRITTEN = pa.schema([*MATCH_STATS, *PART_FILE])


def write_matched(
    spark: SparkSession, task: MatchTask, folder: str
) -> tuple[dict[str, dict[str, int]], list[PartFile]]:
    """Finds the entries in the texts of a part of `distinct`, and writes the pairs that have some.

    Args:
        spark: The session.
        task: The part's files and the metadata.
        folder: Folder to write, whose content is replaced.

    Returns:
        Counts of `match_task.MATCH_STATS` by language, and the files that were written, by name.

    Raises:
        RuntimeError: The files aren't those that the tasks reported.
    """
    storage.delete_folder(folder, task.storage)
    totals: dict[str, dict[str, int]] = {}
    if not task.files:
        return totals, [
            write_file(iter(()), LAYOUT.keeping(task.kept), folder, lambda: "part-00000.parquet", task.storage)
        ]
    # A few rows a task.
    rows = numbered_tasks(spark, len(task.files)).mapInArrow(_matcher(task, folder), ddl(_WRITTEN)).collect()
    for row in rows:
        sums = totals.setdefault(row["metadata_lang"], dict.fromkeys(MATCH_STATS.names[1:], 0))
        for name in sums:
            sums[name] += row[name]
    files = sorted({PartFile(*row[len(MATCH_STATS) :]) for row in rows})
    written = storage.list_parquet(folder, task.storage)
    if [file.name for file in files] != written:
        raise RuntimeError(f"{folder} has {written}, and the tasks reported {files}")
    return totals, files


def count_matches(matched: DataFrame) -> dict[str, tuple[int, int]]:
    """Counts matched pairs, and the entries in their texts.

    Args:
        matched: Rows of `schemas.MATCHED`.

    Returns:
        Number of pairs and of entries by language, sorted; an entry counts once per text.
    """
    pairs, occurrences = F.count(F.lit(1)), F.sum(F.size("entry_ids"))
    rows = matched.groupBy("metadata_lang").agg(pairs, occurrences).collect()
    return {language: (size, found) for language, size, found in sorted(rows)}


def _matcher(task: MatchTask, folder: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def match(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield _written(task, folder, number)

    return match


def _written(task: MatchTask, folder: str, number: int) -> pa.RecordBatch:
    """Matches a file; returns rows of _WRITTEN."""
    stats = MatchStats()
    name = f"part-{number:05d}.parquet"
    layout = LAYOUT.keeping(task.kept)
    file = write_file(match_file(task, number, stats), layout, folder, lambda: name, task.storage)
    counted = stats.rows()
    if file.rows != sum(counted.column("matched").to_pylist()):
        raise RuntimeError(f"{file} was written, but the counts are {counted.to_pylist()}")
    columns = [pa.repeat(value, counted.num_rows).cast(kind) for value, kind in zip(file, PART_FILE.types, strict=True)]
    return pa.RecordBatch.from_arrays([*counted.columns, *columns], schema=_WRITTEN)
