"""Pairs to distinct pairs, in two jobs.

The first decides. Workers read the uids of all files; uid, file and row number go to the task of the uid, which finds
the first row of each uid; the numbers of the rows that stay go to the task that reads their files. The second writes.
Workers read the rows that stay, identify the languages of their texts, and send the rows to the task that writes the
file of the language. In both, Spark moves a few blocks of bytes from each task to each other, and no single rows.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.language import LabelRule, LanguageIdentifier
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.schemas import DISTINCT, Kept, ddl
from metaclip_curate.stages import distinct_rows, first_uids
from metaclip_curate.stages.distinct_rows import REPEATING
from metaclip_curate.stages.first_uids import UidRows
from metaclip_curate.stages.language_layout import LanguageLayout, plan_layout
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.parquet_reading import open_table_file
from metaclip_curate.stages.shared.partitioning import numbered_tasks, shuffle_to_partitions
from metaclip_curate.stages.shared.tables import PART_FILE
from metaclip_curate.storage import StorageOptions

# Rows of a label are sorted by uid, so that a reader of one of them needs few row groups.
LAYOUT = Layout(DISTINCT, repeating=REPEATING, statistics=("uid", "lang"), whole_batches=True)

# Pairs that a task of the first job reads or decides about: a sixty-fourth of all, within these bounds. The upper one
# takes 200 MB of memory, the lower one a tenth of a second.
_FEWEST_PAIRS, _MOST_PAIRS, _SHARE = 250_000, 2_000_000, 64
# Bytes of rows that a worker holds before it sends them.
_HELD_BYTES = 1 << 26
# Rows of a block, which the JVM holds as one value.
_BLOCK_ROWS = 1 << 15
# A language is a share of a file's first rows, of so many files.
_SAMPLED_FILES, _SAMPLED_ROWS = 64, 2_000

_ROWS_MOVED = pa.schema([("partition", pa.int32()), ("kind", pa.int32()), ("payload", pa.binary())])
_NEW, _KNOWN, _STATS = 0, 1, 2
# A shuffle drops the column by which it moves rows; of rows of `distinct`, kind is the number of their file again.
_MOVED_DDL = "partition int, kind int, payload binary"
_WRITTEN = pa.schema([*PART_FILE, pa.field("labels", pa.string())])
_LABELS = pa.schema([("label", pa.string()), ("pairs", pa.int64())])

Batches = Iterator[pa.RecordBatch]


class RankedFile(NamedTuple):
    """A file of `pairs`.

    Attributes:
        url: Path or URL.
        rows: Number of its rows.
        rank: Its position in the order of all files of the run by (crawl, source_file).
    """

    url: str
    rows: int
    rank: int


class KnownFile(NamedTuple):
    """A file of `distinct` that an earlier generation wrote.

    Attributes:
        url: Path or URL.
        rows: Number of its rows.
    """

    url: str
    rows: int


File = TypeVar("File", RankedFile, KnownFile)


@dataclass(frozen=True)
class DedupTask:
    """What is deduplicated, and how.

    Attributes:
        files: New files of `pairs` with at least one row.
        known: Files of `distinct` whose pairs stay.
        ranks: Rank of each known file of `pairs`, by the hash of its origin from `origin_hash`.
        rule: Which label a pair counts as.
        lid_model: Path of the language-ID model; empty for the default.
        pairs_per_file: Number of pairs to aim at in a file.
        passes: Number of passes.
        dedup_pass: Number of this pass, from 0. It takes the uids whose second half has this remainder.
        storage: Credentials and limits for the run folder.
        kept: The kept columns of a pool.
    """

    files: Sequence[RankedFile]
    known: Sequence[KnownFile]
    ranks: Mapping[int, int]
    rule: LabelRule
    lid_model: str
    pairs_per_file: int
    passes: int
    dedup_pass: int
    storage: StorageOptions = field(default_factory=StorageOptions)
    kept: Kept = ()

    @property
    def layout(self) -> Layout:
        """How the files of `distinct` are written."""
        return LAYOUT.keeping(self.kept)


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


def origin_hash(crawl: str, source_file: str) -> int:
    """Returns a number of 63 bits that stands for a file of `pairs`, since its name has a hundred characters."""
    name = f"{crawl}\n{source_file}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little") >> 1


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
    new = _groups(task.files, _pairs_per_task(sum(file.rows for file in task.files)))
    decided = _decided(spark, task, new).persist(pyspark.StorageLevel.DISK_ONLY)
    try:
        stats = decided.filter(F.col("kind") == _STATS).select("payload").collect()
        read, distinct, superseding = np.sum([np.frombuffer(row["payload"], "<i8") for row in stats], axis=0).tolist()
        if superseding:
            return DedupResult(read, superseding)
        layout = _layout(spark, task, distinct)
        chosen = shuffle_to_partitions(
            decided.filter(F.col("kind") == _NEW).select("*", F.col("partition").alias("task")), len(new), "task"
        )
        rows = chosen.mapInArrow(_row_reader(task, new, layout), _MOVED_DDL)
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


def _pairs_per_task(pairs: int) -> int:
    return min(_MOST_PAIRS, max(_FEWEST_PAIRS, pairs // _SHARE))


def _groups(files: Sequence[File], most: int) -> list[list[File]]:
    """Divides files over tasks of at least one file, and otherwise at most so many pairs."""
    groups: list[list[File]] = []
    filled = most
    for file in files:
        if filled + file.rows > most:
            groups.append([])
            filled = 0
        groups[-1].append(file)
        filled += file.rows
    return groups


# The first job: which rows stay


def _decided(spark: SparkSession, task: DedupTask, new: Sequence[Sequence[RankedFile]]) -> DataFrame:
    """Returns blocks of the positions of rows that stay, each for the task that reads their files, and statistics."""
    pairs = (sum(file.rows for file in task.files) + sum(file.rows for file in task.known)) // task.passes
    partitions = -(-max(1, pairs) // _pairs_per_task(pairs))
    uids = numbered_tasks(spark, len(new)).mapInArrow(_uid_reader(task, new, partitions), _MOVED_DDL)
    if task.known:
        known = _groups(task.known, _pairs_per_task(sum(file.rows for file in task.known)))
        of_known = numbered_tasks(spark, len(known)).mapInArrow(_known_reader(task, known, partitions), _MOVED_DDL)
        uids = uids.unionAll(of_known)
    first_ranks = np.array([group[0].rank for group in new], np.uint64)
    return shuffle_to_partitions(uids, partitions, "partition").mapInArrow(_decider(first_ranks), _MOVED_DDL)


def _uid_reader(
    task: DedupTask, groups: Sequence[Sequence[RankedFile]], partitions: int
) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        for number in _numbers(batches):
            pieces = []
            for file in groups[number]:
                with open_table_file(file.url, task.storage) as parquet:
                    column = parquet.read(columns=["uid"]).column("uid").combine_chunks()
                if len(column) != file.rows:
                    raise RuntimeError(f"{file.url} has {len(column)} rows, and {file.rows} were written")
                high, low = first_uids.split_uids(column)
                pieces.append(UidRows(high, low, first_uids.positions(file.rank, np.arange(file.rows))))
            yield _spread(first_uids.concatenated(pieces), task, partitions, _NEW)

    return read


def _known_reader(
    task: DedupTask, groups: Sequence[Sequence[KnownFile]], partitions: int
) -> Callable[[Batches], Batches]:
    columns = ["uid", "crawl", "source_file"]

    def read(batches: Batches) -> Batches:
        for number in _numbers(batches):
            pieces = []
            for file in groups[number]:
                with open_table_file(file.url, task.storage, columns[1:]) as parquet:
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


def _numbers(batches: Batches) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


def _spread(rows: UidRows, task: DedupTask, partitions: int, kind: int) -> pa.RecordBatch:
    """Returns the pass's rows in blocks, each for the task that decides about them."""
    if task.passes > 1:
        rows = rows.take(np.flatnonzero(rows.low % np.uint64(task.passes) == task.dedup_pass))
    part = (rows.high % np.uint64(partitions)).astype(np.int64)
    order, groups = first_uids.split_by(part, partitions)
    ordered = rows.take(order)
    return _moved([(number, kind, ordered.take(some).to_bytes()) for number, some in groups])


def _moved(rows: Sequence[tuple[int, int, bytes]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, _ROWS_MOVED.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_ROWS_MOVED)


def _decider(first_ranks: npt.NDArray[np.uint64]) -> Callable[[Batches], Batches]:
    """Returns the task that decides about uids.

    Args:
        first_ranks: The smallest rank of each reading task's files, ascending.
    """

    def decide(batches: Batches) -> Batches:
        pieces: dict[int, list[UidRows]] = {_NEW: [], _KNOWN: []}
        for batch in batches:
            for kind, payload in zip(
                batch.column("kind").to_pylist(), batch.column("payload").to_pylist(), strict=True
            ):
                pieces[kind].append(UidRows.from_bytes(payload))
        new, known = (first_uids.concatenated(pieces.pop(kind)) for kind in (_NEW, _KNOWN))
        firsts = first_uids.first_rows(new, known)
        tasks = np.searchsorted(first_ranks, first_uids.ranks_of(firsts.positions), side="right") - 1
        _, groups = first_uids.split_by(tasks, len(first_ranks))  # in order already, as positions are
        stats = np.array([len(new.high), len(firsts.positions), firsts.superseding], "<i8")
        rows = [(number, _NEW, firsts.positions[some].tobytes()) for number, some in groups]
        yield _moved([*rows, (0, _STATS, stats.tobytes())])

    return decide


# The second job: the rows


def _layout(spark: SparkSession, task: DedupTask, distinct: int) -> LanguageLayout:
    """Plans the files by the languages of a sample."""
    if distinct <= task.pairs_per_file:
        return LanguageLayout({}, 1)
    step = max(1, len(task.files) // _SAMPLED_FILES)
    sampled = task.files[::step]
    tasks = min(len(sampled), 16)

    def count(batches: Batches) -> Batches:
        for number in _numbers(batches):
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
    return _moved(moved)


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
