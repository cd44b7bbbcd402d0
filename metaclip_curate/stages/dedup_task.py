"""What the two jobs of deduplication have in common: the files and options of a pass, and the blocks that they move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import pyarrow as pa

from metaclip_curate.language import LabelRule
from metaclip_curate.schemas import DISTINCT, Kept
from metaclip_curate.stages.distinct_rows import REPEATING
from metaclip_curate.stages.shared.parquet_files import Layout
from metaclip_curate.storage import StorageOptions

# Rows of a label are sorted by uid, so that a reader of one of them needs few row groups.
LAYOUT = Layout(DISTINCT, repeating=REPEATING, statistics=("uid", "lang"), whole_batches=True)

# Pairs that a task of the first job reads or decides about: a sixty-fourth of all, within these bounds. The upper one
# takes 200 MB of memory, the lower one a tenth of a second.
_FEWEST_PAIRS, _MOST_PAIRS, _SHARE = 250_000, 2_000_000, 64
_ROWS_MOVED = pa.schema([("partition", pa.int32()), ("kind", pa.int32()), ("payload", pa.binary())])
# A shuffle drops the column by which it moves rows; of rows of `distinct`, kind is the number of their file again.
MOVED_DDL = "partition int, kind int, payload binary"

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


def origin_hash(crawl: str, source_file: str) -> int:
    """Returns a number of 63 bits that stands for a file of `pairs`, since its name has a hundred characters."""
    name = f"{crawl}\n{source_file}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little") >> 1


def pairs_per_task(pairs: int) -> int:
    """Returns the number of pairs to aim at in a task of the first job.

    Args:
        pairs: Number of pairs in all.
    """
    return min(_MOST_PAIRS, max(_FEWEST_PAIRS, pairs // _SHARE))


def groups_of(files: Sequence[File], most: int) -> list[list[File]]:
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


def numbers_of(batches: Batches) -> Iterator[int]:
    """Yields the numbers that a task was given, in the first column."""
    for batch in batches:
        yield from batch.column(0).to_pylist()


def moved_rows(rows: Sequence[tuple[int, int, bytes]]) -> pa.RecordBatch:
    """Returns blocks as rows that Spark moves.

    Args:
        rows: Number of the task that receives a block, its kind, and its content.
    """
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, _ROWS_MOVED.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_ROWS_MOVED)
