"""Chooses pages of a crawl by its columnar index, and writes their records, those of a WARC next to each other.

One task reads one file of the index and writes the pages that it may choose. If there are more than the limit, the rank
of the last chosen page is found from counts of the ranks' first bits. A shuffle by WARC then carries three columns of
each chosen page. Neither the driver nor a task's closure holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import SparkSession

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError
from metaclip_curate.extract.crawl_index import (
    CANDIDATES,
    IndexQuery,
    IndexScan,
    records_digest,
    scan_file,
    selected_name,
)
from metaclip_curate.extract.crawl_index.query import RANK_BITS
from metaclip_curate.run.selections import RECORDS, WARCS, write_records
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.partitioning import numbered_tasks
from metaclip_curate.storage import ByteRange, InputError, StorageOptions
from metaclip_curate.storage.byte_ranges import joined
from metaclip_curate.storage.parquet_bytes import read_parquet
from metaclip_curate.storage.retry import GAVE_UP

Batches = Iterator[pa.RecordBatch]
_ROWS_PER_FILE = 500_000
# Of 10^9 candidates, some 60,000 share the first bits of a rank, which are what the driver receives to find the last.
_COUNTED_BITS = 14
_SCANNED = "pages bigint, rows bigint, groups bigint, groups_read bigint, error string, counts binary"


@dataclass(frozen=True)
class SelectTask:
    """What is chosen, and where it is written.

    Attributes:
        query: The query.
        files: Files of the index.
        storage: Credentials and limits for the index and the run folder.
        work: Folder for the candidates.
        folder: Folder of the selection.
    """

    query: IndexQuery
    files: Sequence[str]
    storage: StorageOptions
    work: str
    folder: str


@dataclass(frozen=True)
class SelectedPages:
    """What was chosen.

    Attributes:
        matching: Number of pages before the limit.
        groups: Number of row groups of the index.
        groups_read: Number of those that weren't skipped by their statistics.
        warcs: Rows of the table WARCS.
    """

    matching: int
    groups: int
    groups_read: int
    warcs: list[dict[str, Any]]


@dataclass(frozen=True)
class _Last:
    """The last candidate that the limit lets in."""

    rank: int
    warc: str
    offset: int


def select_pages(spark: SparkSession, task: SelectTask) -> SelectedPages:
    """Reads the index and writes the records of the chosen pages.

    Args:
        spark: The session.
        task: What is chosen.

    Returns:
        Numbers, and a row for each WARC.

    Raises:
        JobFailedError: A file of the index can't be read.
    """
    scanned = numbered_tasks(spark, len(task.files)).mapInArrow(_scanner(task), _SCANNED).collect()
    errors = sorted(row["error"] for row in scanned if row["error"])
    if errors:
        # The first is one that the user can mend, if there is such a one.
        errors.sort(key=lambda error: GAVE_UP in error)
        remedy = "; give the same command again" if GAVE_UP in errors[0] else ""
        raise JobFailedError(
            f"{len(errors):,} of {len(task.files):,} files of the index can't be read, so that no page was chosen: "
            f"{errors[0]}{remedy}"
        )
    rows = sum(row["rows"] for row in scanned)
    limit = task.query.limit
    last = None
    if limit and rows > limit:
        counts = np.sum([np.frombuffer(row["counts"], "<i8") for row in scanned], axis=0)
        last = _last(spark, task, counts, limit)
    warcs = _write_records(spark, task, last, min(rows, limit or rows)) if rows else []
    storage.delete_folder(task.work, task.storage)
    return SelectedPages(
        sum(row["pages"] for row in scanned),
        sum(row["groups"] for row in scanned),
        sum(row["groups_read"] for row in scanned),
        warcs,
    )


def _candidates_file(task: SelectTask, number: int) -> str:
    return storage.join(task.work, f"part-{number:05d}.parquet")


def _scanner(task: SelectTask) -> Callable[[Batches], Batches]:
    def scan(batches: Batches) -> Batches:
        for number in _numbers(batches):
            yield pa.RecordBatch.from_pylist([_scanned(task, number)])

    return scan


def _scanned(task: SelectTask, number: int) -> dict[str, Any]:
    """Writes the candidates of a file of the index, and returns their numbers."""
    about, rows, error = IndexScan(), 0, ""
    counts = np.zeros(1 << _COUNTED_BITS if task.query.limit else 0, np.int64)
    with (
        storage.staged_upload(lambda: _candidates_file(task, number), task.storage) as local,
        pq.ParquetWriter(local, CANDIDATES, compression="zstd") as writer,
    ):
        try:
            for table in scan_file(task.files[number], task.query, task.storage, about):
                writer.write_table(table)
                rows += table.num_rows
                if len(counts):
                    counts += np.bincount(_first_bits(table), minlength=len(counts))
        except InputError as failure:
            error = str(failure)
    return {
        "pages": about.pages,
        "rows": rows,
        "groups": about.groups,
        "groups_read": about.groups_read,
        "error": error,
        "counts": counts.astype("<i8").tobytes(),
    }


def _first_bits(table: pa.Table) -> npt.NDArray[np.int64]:
    ranks: npt.NDArray[np.int64] = table.column("rank").to_numpy()
    return ranks >> (RANK_BITS - _COUNTED_BITS)


def _last(spark: SparkSession, task: SelectTask, counts: npt.NDArray[np.int64], limit: int) -> _Last:
    """Finds the last candidate that the limit lets in."""
    sums = np.cumsum(counts)
    bits = int(np.searchsorted(sums, limit))
    before = int(sums[bits - 1]) if bits else 0

    def of_bits(batches: Batches) -> Batches:
        for number in _numbers(batches):
            table = _read_candidates(task, number)
            found = table.filter(pa.array(_first_bits(table) == bits)).drop_columns(["warc_record_length"])
            yield from found.select(["rank", "warc_filename", "warc_record_offset"]).to_batches()

    columns = "rank bigint, warc_filename string, warc_record_offset bigint"
    found = numbered_tasks(spark, len(task.files)).mapInArrow(of_bits, columns).collect()
    return _Last(*sorted(tuple(row) for row in found)[limit - before - 1])


def _write_records(spark: SparkSession, task: SelectTask, last: _Last | None, rows: int) -> list[dict[str, Any]]:
    def chosen(batches: Batches) -> Batches:
        for number in _numbers(batches):
            table = _read_candidates(task, number)
            if last is not None:
                table = table.filter(_up_to(table, last))
            yield from table.select(RECORDS.names).to_batches()

    records = numbered_tasks(spark, len(task.files)).mapInArrow(chosen, ddl(RECORDS))
    together = records.repartition(-(-rows // _ROWS_PER_FILE), "warc_filename")
    written = together.mapInArrow(_writer(task), ddl(WARCS)).collect()
    return [row.asDict() for row in written]


def _writer(task: SelectTask) -> Callable[[Batches], Batches]:
    def write(batches: Batches) -> Batches:
        # The names repeat, and as numbers they take a thirtieth of the memory.
        pieces = [
            pa.Table.from_batches([batch]).set_column(0, "warc_filename", batch.column(0).dictionary_encode())
            for batch in batches
            if batch.num_rows
        ]
        if not pieces:
            return
        table = pa.concat_tables(pieces).unify_dictionaries().combine_chunks()
        names = table.column("warc_filename").combine_chunks()
        rank = pc.rank(names.dictionary).take(names.indices)
        order = np.lexsort((table.column("warc_record_offset").to_numpy(), rank.to_numpy()))
        table = table.take(pa.array(order))
        context = TaskContext.get()
        name = f"part-{context.partitionId() if context else 0:05d}.parquet"
        write_records(storage.join(task.folder, name), table.cast(RECORDS), task.storage)
        yield pa.RecordBatch.from_pylist(list(_warcs(table, name)), schema=WARCS)

    return write


def _warcs(table: pa.Table, file: str) -> Iterator[Mapping[str, Any]]:
    """Yields a row of WARCS for each run of equal names."""
    names = table.column("warc_filename").combine_chunks()
    offsets, lengths = (table.column(name).to_numpy() for name in RECORDS.names[1:])
    codes = names.indices.to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist()]
    for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
        of_warc = offsets[start:end], lengths[start:end]
        ranges = [ByteRange(*each) for each in zip(*(values.tolist() for values in of_warc), strict=True)]
        yield {
            "path": selected_name(names[start].as_py(), records_digest(*of_warc)),
            "file": file,
            "first_row": start,
            "records": end - start,
            "bytes": int(of_warc[1].sum()),
            "requests": sum(1 for _ in joined(ranges)),
        }


def _up_to(table: pa.Table, last: _Last) -> Any:
    rank, warc, offset = (table.column(name) for name in ("rank", "warc_filename", "warc_record_offset"))
    same_warc = pc.and_(pc.equal(warc, last.warc), pc.less_equal(offset, last.offset))
    tied = pc.and_(pc.equal(rank, last.rank), pc.or_(pc.less(warc, last.warc), same_warc))
    return pc.or_(pc.less(rank, last.rank), tied)


def _read_candidates(task: SelectTask, number: int) -> pa.Table:
    return read_parquet(storage.read_bytes(_candidates_file(task, number), task.storage))


def _numbers(batches: Batches) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()
