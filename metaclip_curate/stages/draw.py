"""Draws from the files of `matched`: a worker reads a file, draws, and writes the rows that are kept.

Three of four rows are read only to be left out. Passing them through the JVM and back costs several times as much as
the draw itself, so workers read and write Parquet themselves, a batch at a time, and Spark only assigns the files. With
one text per image, a shuffle finds the rows that may draw; it moves their positions and ids, and no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate import balance, storage
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.manifest_files import part_name
from metaclip_curate.schemas import MATCHED, Kept, ddl, with_kept
from metaclip_curate.stages.draw_rows import ORDERED, kept_rows, signed
from metaclip_curate.stages.keep_probabilities import Head, Probabilities
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.partitioning import numbered_tasks, shuffle_to_partitions
from metaclip_curate.stages.shared.sorted_batches import first_of_each_run
from metaclip_curate.storage import StorageOptions

# Columns of few different values stay dictionary-encoded on their way from file to file.
_FEW_VALUES = ("text_source", "page_lang", "license", "lang", "crawl", "source_file", "metadata_lang")
_ROWS_PER_BATCH = 1 << 16
_DONE = pa.schema([("file", pa.int32()), ("matched", pa.int64()), ("kept", pa.int64())])
_POSITION = pa.schema([("file", pa.int32()), ("row", pa.int64())])
_POSITIONS = pa.schema([("image_id", pa.string()), ("selection", pa.int64()), ("uid", pa.string()), *_POSITION])

Batches = Iterator[pa.RecordBatch]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DrawTask:
    """What a worker needs to draw.

    Attributes:
        files: Files of `matched`.
        head: Heads of the languages, from `sample.head_entries`.
        draw: Seed and number of texts per image.
        kept: Folder for the kept rows.
        storage: Credentials and limits for the files and the folder.
        kept_columns: The kept columns of a pool.
    """

    files: Sequence[str]
    head: Head
    draw: DrawOptions
    kept: str
    storage: StorageOptions
    kept_columns: Kept = ()


def draw_files(spark: SparkSession, task: DrawTask) -> tuple[int, int]:
    """Draws, and writes the pairs whose draw is below their keep probability.

    Args:
        spark: The session.
        task: The files, and how to draw from them.

    Returns:
        Number of pairs read and of pairs kept. Each file with a pair that may draw gives a file of kept pairs with the
        schema `draw_rows.ORDERED`; no file at all gives an empty one.
    """
    if not task.files:
        _write(task, 0, iter(()))
        return 0, 0
    files = numbered_tasks(spark, len(task.files))
    if task.draw.texts_per_image == "all":
        done = files.mapInArrow(_drawer(task), ddl(_DONE))
    else:
        done = _drawing_rows(files, task).mapInArrow(_chosen_drawer(task), ddl(_DONE))
    counts = done.collect()
    if not counts:
        _write(task, 0, iter(()))
    return sum(matched for _, matched, _ in counts), sum(kept for _, _, kept in counts)


def _drawer(task: DrawTask) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield _done(number, *draw_file(task, number, None))

    return run


def _drawing_rows(files: DataFrame, task: DrawTask) -> DataFrame:
    """Returns the row of each image with the smallest selection key. Rows of a file are together, and in order."""

    def positions(batches: Batches) -> Batches:
        for batch in batches:
            for number in batch.column("id").to_pylist():
                first = 0
                for rows in read_batches(task, number, ["image_id", "uid"]):
                    selection = signed(balance.selection_keys(rows.column("uid"), task.draw.seed))
                    position = [np.full(rows.num_rows, number, dtype=np.int32), np.arange(first, first + rows.num_rows)]
                    columns = [
                        rows.column("image_id"),
                        pa.array(selection),
                        rows.column("uid"),
                        *map(pa.array, position),
                    ]
                    first += rows.num_rows
                    yield pa.RecordBatch.from_arrays(columns, schema=_POSITIONS)

    by_image = files.mapInArrow(positions, ddl(_POSITIONS)).repartition("image_id")
    ordered = by_image.sortWithinPartitions("image_id", "selection", "uid")
    chosen = ordered.mapInArrow(lambda batches: first_of_each_run(batches, ["image_id"]), ddl(_POSITIONS))
    by_file = shuffle_to_partitions(chosen.selectExpr("file", "row", "file AS partition"), len(task.files), "partition")
    return by_file.sortWithinPartitions("file", "row")


def _chosen_drawer(task: DrawTask) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        chosen = list(batches)  # rows of one file, 12 bytes each
        filled = [batch for batch in chosen if batch.num_rows]
        if filled:
            rows = np.concatenate([batch.column("row").to_numpy() for batch in filled])
            number = filled[0].column("file")[0].as_py()
            yield _done(number, *draw_file(task, number, rows))

    return run


def _done(number: int, matched: int, kept: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"file": number, "matched": matched, "kept": kept}], schema=_DONE)


def draw_file(task: DrawTask, number: int, rows: Rows | None) -> tuple[int, int]:
    """Draws from a file, and writes the pairs that are kept.

    Args:
        task: The files, and how to draw from them.
        number: Number of the file.
        rows: Numbers of the rows that may draw, ascending; None for all.

    Returns:
        Number of pairs read and of pairs kept.
    """
    read = 0

    def kept() -> Batches:
        nonlocal read
        probabilities = Probabilities(task.head)
        for batch in read_batches(task, number, with_kept(MATCHED, task.kept_columns).names):
            first, read = read, read + batch.num_rows
            drawing = batch
            if rows is not None:
                start, end = np.searchsorted(rows, [first, read])
                drawing = batch.take(pa.array(rows[start:end] - first))
            yield kept_rows(drawing, probabilities.of(drawing), task.draw.seed)

    written = _write(task, number, kept())
    return read, written.rows


def read_batches(task: DrawTask, number: int, columns: list[str]) -> Batches:
    """Reads columns of a file of `matched`, those of few different values as dictionaries."""
    path = task.files[number]
    source = path if storage.is_local(path) else pa.BufferReader(storage.read_bytes(path, task.storage))
    with pq.ParquetFile(source, read_dictionary=_FEW_VALUES, memory_map=True, page_checksum_verification=True) as file:
        yield from file.iter_batches(_ROWS_PER_BATCH, columns=columns)


def _write(task: DrawTask, number: int, batches: Batches) -> PartFile:
    """Writes a file of kept rows."""
    fields = [
        pa.field(field.name, pa.dictionary(pa.int32(), pa.string())) if field.name in _FEW_VALUES else field
        for field in with_kept(ORDERED, task.kept_columns)
    ]
    layout = Layout(pa.schema(fields), _FEW_VALUES)
    return write_file(batches, layout, task.kept, lambda: part_name(number), task.storage)
