"""The first job of deduplication: which rows stay.

Workers read the uids of all files; uid, file and row number go to the task of the uid, which finds the first row of
each uid; the numbers of the rows that stay go to the task that reads their files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from metaclip_curate.stages import first_uids
from metaclip_curate.stages.dedup_task import (
    MOVED_DDL,
    Batches,
    DedupTask,
    KnownFile,
    RankedFile,
    groups_of,
    moved_rows,
    numbers_of,
    origin_hash,
    pairs_per_task,
)
from metaclip_curate.stages.first_uids import UidRows
from metaclip_curate.stages.shared.parquet_reading import open_table_file
from metaclip_curate.stages.shared.partitioning import numbered_tasks, shuffle_to_partitions

NEW, _KNOWN, STATS = 0, 1, 2


def decided_rows(spark: SparkSession, task: DedupTask, new: Sequence[Sequence[RankedFile]]) -> DataFrame:
    """Returns blocks of the positions of rows that stay, each for the task that reads their files, and statistics."""
    pairs = (sum(file.rows for file in task.files) + sum(file.rows for file in task.known)) // task.passes
    partitions = -(-max(1, pairs) // pairs_per_task(pairs))
    uids = numbered_tasks(spark, len(new)).mapInArrow(_uid_reader(task, new, partitions), MOVED_DDL)
    if task.known:
        known = groups_of(task.known, pairs_per_task(sum(file.rows for file in task.known)))
        of_known = numbered_tasks(spark, len(known)).mapInArrow(_known_reader(task, known, partitions), MOVED_DDL)
        uids = uids.unionAll(of_known)
    first_ranks = np.array([group[0].rank for group in new], np.uint64)
    return shuffle_to_partitions(uids, partitions, "partition").mapInArrow(_decider(first_ranks), MOVED_DDL)


def _uid_reader(
    task: DedupTask, groups: Sequence[Sequence[RankedFile]], partitions: int
) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        for number in numbers_of(batches):
            pieces = []
            for file in groups[number]:
                with open_table_file(file.url, task.storage, columns=["uid"]) as parquet:
                    column = parquet.read(columns=["uid"]).column("uid").combine_chunks()
                if len(column) != file.rows:
                    raise RuntimeError(f"{file.url} has {len(column)} rows, and {file.rows} were written")
                high, low = first_uids.split_uids(column)
                pieces.append(UidRows(high, low, first_uids.positions(file.rank, np.arange(file.rows))))
            yield _spread(first_uids.concatenated(pieces), task, partitions, NEW)

    return read


def _known_reader(
    task: DedupTask, groups: Sequence[Sequence[KnownFile]], partitions: int
) -> Callable[[Batches], Batches]:
    columns = ["uid", "crawl", "source_file"]

    def read(batches: Batches) -> Batches:
        for number in numbers_of(batches):
            pieces = []
            for file in groups[number]:
                with open_table_file(file.url, task.storage, columns[1:], columns) as parquet:
                    rows = parquet.read(columns=columns).unify_dictionaries().combine_chunks()
                if rows.num_rows:
                    high, low = first_uids.split_uids(rows.column("uid").chunk(0))
                    ranks = _ranks(rows.column("crawl").chunk(0), rows.column("source_file").chunk(0), task.ranks)
                    pieces.append(UidRows(high, low, first_uids.positions(ranks, 0)))
            yield _spread(first_uids.concatenated(pieces), task, partitions, _KNOWN)

    return read


def _ranks(crawls: pa.DictionaryArray, files: pa.DictionaryArray, ranks: Mapping[int, int]) -> npt.NDArray[np.int64]:
    """Returns the rank of the file of `pairs` that each row came from."""
    crawl, file = crawls.indices.to_numpy(), files.indices.to_numpy()
    both, of_row = np.unique(crawl.astype(np.int64) * len(files.dictionary) + file, return_inverse=True)
    found = []
    for combined in both.tolist():
        crawl_index, file_index = divmod(combined, len(files.dictionary))
        origin = origin_hash(crawls.dictionary[crawl_index].as_py(), files.dictionary[file_index].as_py())
        found.append(ranks[origin])
    return np.array(found, np.int64)[of_row]


def _spread(rows: UidRows, task: DedupTask, partitions: int, kind: int) -> pa.RecordBatch:
    """Returns the pass's rows in blocks, each for the task that decides about them."""
    if task.passes > 1:
        rows = rows.take(np.flatnonzero(rows.low % np.uint64(task.passes) == task.dedup_pass))
    part = (rows.high % np.uint64(partitions)).astype(np.int64)
    order, groups = first_uids.split_by(part, partitions)
    ordered = rows.take(order)
    return moved_rows([(number, kind, ordered.take(some).to_bytes()) for number, some in groups])


def _decider(first_ranks: npt.NDArray[np.uint64]) -> Callable[[Batches], Batches]:
    """Returns the task that decides about uids.

    Args:
        first_ranks: The smallest rank of each reading task's files, ascending.
    """

    def decide(batches: Batches) -> Batches:
        pieces: dict[int, list[UidRows]] = {NEW: [], _KNOWN: []}
        for batch in batches:
            for kind, payload in zip(
                batch.column("kind").to_pylist(), batch.column("payload").to_pylist(), strict=True
            ):
                pieces[kind].append(UidRows.from_bytes(payload))
        new, known = (first_uids.concatenated(pieces.pop(kind)) for kind in (NEW, _KNOWN))
        firsts = first_uids.first_rows(new, known)
        tasks = np.searchsorted(first_ranks, first_uids.ranks_of(firsts.positions), side="right") - 1
        _, groups = first_uids.split_by(tasks, len(first_ranks))  # in order already, as positions are
        stats = np.array([len(new.high), len(firsts.positions), firsts.superseding], "<i8")
        rows = [(number, NEW, firsts.positions[some].tobytes()) for number, some in groups]
        yield moved_rows([*rows, (0, STATS, stats.tobytes())])

    return decide
