"""Pairs to distinct pairs, in two jobs.

The first decides which rows stay (`dedup_decision`). The second writes: workers read the rows that stay, identify the
languages of their texts, and send the rows to the task that writes the file of the language. In both, Spark moves a
few blocks of bytes from each task to each other, and no single rows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyspark
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.language import LabelRule, LanguageIdentifier
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.schemas import ddl
from metaclip_curate.stages import distinct_rows, first_uids
from metaclip_curate.stages.dedup_decision import NEW, STATS, decided_rows
from metaclip_curate.stages.dedup_task import (
    MOVED_DDL,
    Batches,
    DedupTask,
    RankedFile,
    groups_of,
    moved_rows,
    numbers_of,
    pairs_per_task,
)
from metaclip_curate.stages.language_layout import LanguageLayout, plan_layout
from metaclip_curate.stages.shared.parquet_files import write_file
from metaclip_curate.stages.shared.parquet_reading import open_table_file
from metaclip_curate.stages.shared.partitioning import numbered_tasks, shuffle_to_partitions
from metaclip_curate.stages.shared.tables import PART_FILE

# Bytes of rows that a worker holds before it sends them.
_HELD_BYTES = 1 << 26
# Rows of a block, which the JVM holds as one value.
_BLOCK_ROWS = 1 << 15
# A language is a share of a file's first rows, of so many files.
_SAMPLED_FILES, _SAMPLED_ROWS = 64, 2_000

_WRITTEN = pa.schema([*PART_FILE, pa.field("labels", pa.string())])
_LABELS = pa.schema([("label", pa.string()), ("pairs", pa.int64())])


@dataclass(frozen=True)
class DedupResult:
    """What a pass did.

    Attributes:
        pairs: Number of new pairs that were read.
        superseding: Number of new pairs that precede the known row of their uid; if there is one, nothing was written.
        labels: Number of distinct pairs by label, sorted.
        files: The files that were written, by name.
    """

    pairs: int = 0
    superseding: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    files: Sequence[PartFile] = ()


def write_distinct(spark: SparkSession, task: DedupTask, folder: str) -> DedupResult:
    """Keeps each uid of a pass once, and writes the rows.

    Args:
        spark: The session.
        task: What is deduplicated.
        folder: Folder to write, whose content is replaced.

    Raises:
        RuntimeError: The files aren't those that the tasks reported.
    """
    storage.delete_folder(folder, task.storage)
    if not task.files:
        return DedupResult(files=[write_file(iter(()), task.layout, folder, lambda: _name(0), task.storage)])
    new = groups_of(task.files, pairs_per_task(sum(file.rows for file in task.files)))
    decided = decided_rows(spark, task, new).persist(pyspark.StorageLevel.DISK_ONLY)
    try:
        stats = decided.filter(F.col("kind") == STATS).select("payload").collect()
        read, distinct, superseding = np.sum([np.frombuffer(row["payload"], "<i8") for row in stats], axis=0).tolist()
        if superseding:
            return DedupResult(read, superseding)
        layout = _layout(spark, task, distinct)
        chosen = shuffle_to_partitions(
            decided.filter(F.col("kind") == NEW).select("*", F.col("partition").alias("task")), len(new), "task"
        )
        rows = chosen.mapInArrow(_row_reader(task, new, layout), MOVED_DDL)
        placed = shuffle_to_partitions(rows, layout.files, "partition")
        written = placed.mapInArrow(_file_writer(task, folder), ddl(_WRITTEN)).collect()
    finally:
        decided.unpersist()
    return _result(task, folder, read, distinct, [row.asDict() for row in written])


def _result(
    task: DedupTask, folder: str, read: int, distinct: int, written: Sequence[Mapping[str, object]]
) -> DedupResult:
    files = sorted(PartFile(*(row[name] for name in PART_FILE.names)) for row in written)  # type: ignore[arg-type]
    found = storage.list_parquet(folder, task.storage)
    if [file.name for file in files] != found:
        raise RuntimeError(f"{folder} has {found}, and the tasks reported {files}")
    labels: Counter[str] = Counter()
    for row in written:
        labels.update(json.loads(str(row["labels"])))
    if not distinct == labels.total() == sum(file.rows for file in files):
        raise RuntimeError(f"{distinct} uids stay, and {files} were written to {folder}")
    if not files:
        files = [write_file(iter(()), task.layout, folder, lambda: _name(0), task.storage)]
    return DedupResult(read, 0, dict(sorted(labels.items())), files)


def _name(number: int) -> str:
    return f"part-{number:05d}.parquet"


# The second job: the rows


def _layout(spark: SparkSession, task: DedupTask, distinct: int) -> LanguageLayout:
    """Plans the files by the languages of a sample."""
    if distinct <= task.pairs_per_file:
        return LanguageLayout({}, 1)
    step = max(1, len(task.files) // _SAMPLED_FILES)
    sampled = task.files[::step]
    tasks = min(len(sampled), 16)

    def count(batches: Batches) -> Batches:
        for number in numbers_of(batches):
            for file in sampled[number::tasks]:
                with open_table_file(file.url, task.storage) as parquet:
                    batch = next(parquet.iter_batches(_SAMPLED_ROWS, columns=["text", "page_lang"]))
                lang, score = _identifier(task.lid_model).identify(batch.column("text"))
                found = distinct_rows.count_labels(task.rule.labels(lang, score, batch.column("page_lang")))
                columns = [pa.array(list(found), pa.string()), pa.array(list(found.values()), pa.int64())]
                yield pa.RecordBatch.from_arrays(columns, schema=_LABELS)

    labels: Counter[str] = Counter()
    for label, pairs in numbered_tasks(spark, tasks).mapInArrow(count, ddl(_LABELS)).collect():
        labels[label] += pairs
    total = labels.total()
    return plan_layout({label: -(-distinct * pairs // total) for label, pairs in labels.items()}, task.pairs_per_file)


def _row_reader(
    task: DedupTask, groups: Sequence[Sequence[RankedFile]], layout: LanguageLayout
) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        blocks: list[npt.NDArray[np.uint64]] = []
        number = 0
        for batch in batches:
            number = batch.column("partition")[0].as_py() if batch.num_rows else number
            blocks += [np.frombuffer(payload, "<u8") for payload in batch.column("payload").to_pylist()]
        if not blocks:
            return
        positions = np.sort(np.concatenate(blocks))
        held: list[pa.Table] = []
        for file in groups[number]:
            rows = first_uids.rows_of_file(positions, file.rank)
            if not len(rows):
                continue
            with open_table_file(file.url, task.storage, distinct_rows.READ_AS_DICTIONARY) as parquet:
                held.append(
                    distinct_rows.labelled(
                        distinct_rows.chosen_rows(parquet, rows, task.kept), _identifier(task.lid_model), task.kept
                    )
                )
            if sum(table.nbytes for table in held) >= _HELD_BYTES:
                yield _packed(held, task.rule, layout)
                held = []
        if held:
            yield _packed(held, task.rule, layout)

    return read


def _packed(held: Sequence[pa.Table], rule: LabelRule, layout: LanguageLayout) -> pa.RecordBatch:
    rows = pa.concat_tables(held).combine_chunks()
    labels, codes = distinct_rows.coded(distinct_rows.labels_of(rows, rule))
    high, _ = distinct_rows.uid_halves(rows)
    order, groups = first_uids.split_by(layout.files_of(labels, codes, high), layout.files)
    ordered = rows.take(pa.array(order)).combine_chunks().to_batches()[0]
    moved = []
    for file, some in groups:
        for first in range(some.start, some.stop, _BLOCK_ROWS):
            block = ordered.slice(first, min(some.stop - first, _BLOCK_ROWS))
            moved.append((file, file, distinct_rows.pack(block)))
    return moved_rows(moved)


def _file_writer(task: DedupTask, folder: str) -> Callable[[Batches], Batches]:
    def write(batches: Batches) -> Batches:
        number, packed = 0, []
        for batch in batches:
            if batch.num_rows:
                number = batch.column("kind")[0].as_py()
                packed += [each.as_buffer() for each in batch.column("payload")]
        if not packed:
            return
        labels: Counter[str] = Counter()

        def groups() -> Batches:
            for label, rows in distinct_rows.in_file_order(
                list(distinct_rows.unpack(packed, task.kept)), task.rule, task.kept
            ):
                labels[label] += rows.num_rows
                yield rows

        file = write_file(groups(), task.layout, folder, lambda: _name(number), task.storage)
        yield pa.RecordBatch.from_pylist([{**file._asdict(), "labels": json.dumps(labels)}], schema=_WRITTEN)

    return write


@lru_cache(maxsize=1)
def _identifier(model: str) -> LanguageIdentifier:
    """Returns the model, which each worker loads once."""
    return LanguageIdentifier(model or None)
