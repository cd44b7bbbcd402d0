"""What a worker does with an input file, or with a part of one: it reads its pairs and writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.console.file_reports import FileReport, Reporter
from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.extract.pools.parquet_rows import RowGroups
from metaclip_curate.extract.pools.read_pool import FilePart
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.selections import SelectedWarc, read_ranges
from metaclip_curate.schemas import PAIRS
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.storage import StorageOptions

# The pages of a file follow one another, so that even their URLs repeat.
LAYOUT = Layout(PAIRS, ("text_source", "page_url", "page_lang", "license", "crawl", "source_file"))
# Bytes in memory of a pool's pairs at which a file ends and the next one begins.
_FILE_BYTES = 1 << 27


@dataclass(frozen=True)
class InputPart:
    """What one task reads: an input file, or some row groups of one.

    Attributes:
        path: Name of the input file.
        row_groups: Row groups of a Parquet file that is divided over several tasks; None for all of a file.
        below: Path of the file below the folder that the command names.
    """

    path: str
    row_groups: RowGroups | None = None
    below: str = ""

    @property
    def number(self) -> int:
        """Number of the part, by which those of a file are ordered."""
        return self.row_groups.first if self.row_groups is not None else 0


@dataclass(frozen=True)
class ExtractTask:
    """What a worker needs to read files.

    Addresses travel in the task and not in rows, since Spark writes rows to plans, logs and files.

    Attributes:
        read: How records are read.
        storage: Credentials and limits for the inputs and the run folder.
        addresses: Addresses by name, of the files that the command names.
        reports: File by which workers report their progress to a driver on the same machine; empty for none.
        selected: Inputs, by name, of which only some records are read.
        pool_file_rows: Number of a pool's pairs at which a file ends and the next one begins, since a task of dedup
            holds the rows of a file.
    """

    read: ReadOptions
    storage: StorageOptions
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    reports: str = ""
    selected: Mapping[str, SelectedWarc] = field(default_factory=dict)
    pool_file_rows: int = 500_000


class PairsFile(NamedTuple):
    """A file of `pairs` that a task wrote.

    Attributes:
        file: The file, for the list of its part.
        crawl: Crawl of its pairs; empty if unknown.
    """

    file: PartFile
    crawl: str


def write_pairs_of(part: InputPart, task: ExtractTask, folder: str) -> tuple[list[PairsFile], InputStats]:
    """Reads the pairs of a part and writes them: of a large pool to several files, and else to one, which may be empty.

    Args:
        part: What is read.
        task: How it is read.
        folder: Folder to which the files are added.

    Returns:
        The files in the order of their rows, and what was read.
    """
    path, stats = part.path, InputStats(part.path)
    reporter = Reporter(task.reports)
    written = []
    for piece, batches in enumerate(_pieces(_pairs_of(part, stats, task, reporter), stats, task.pool_file_rows)):
        content = _Content(part, piece)
        file = write_file(
            content.watched(batches), LAYOUT.keeping(task.read.kept), folder, content.file_name, task.storage
        )
        written.append(PairsFile(file, content.crawl))
    rows = sum(each.file.rows for each in written)
    if rows != stats.pairs:
        raise RuntimeError(f"{path} gave {rows} pairs, but its stats have {stats.pairs}")
    if stats.error.startswith("HTTP 4") and storage.is_web(path) and path not in task.addresses:
        stats.error += (
            " (it is none of this command's --input: where it needs a password or a signature, name it with that again)"
        )
    reporter.report(FileReport(path, stats.pairs, finished=True, part=_number(part)))
    return written, stats


def _pairs_of(part: InputPart, stats: InputStats, task: ExtractTask, reporter: Reporter) -> Iterator[pa.RecordBatch]:
    address, ranges = task.addresses.get(part.path, part.path), None
    if part.path in task.selected:
        selected = task.selected[part.path]
        address, ranges = selected.warc, read_ranges(selected, task.storage)
    of_file = FilePart(part.row_groups, part.below)
    for batch in read_pairs(address, task.read, task.storage, stats, ranges, of_file):
        reporter.report(FileReport(part.path, stats.pairs, finished=False, part=_number(part)))
        yield batch


def _number(part: InputPart) -> int | None:
    return None if part.row_groups is None else part.number


def _pieces(batches: Iterator[pa.RecordBatch], stats: InputStats, most_rows: int) -> Iterator[Iterator[pa.RecordBatch]]:
    """Divides the pairs of a pool over files. Yields at least one piece, and each must be read before the next one."""
    ahead = next(batches, None)

    def piece() -> Iterator[pa.RecordBatch]:
        nonlocal ahead
        rows = size = 0
        # Pairs of pages, which pools don't have, aren't divided.
        while ahead is not None and (stats.pages or (rows < most_rows and size < _FILE_BYTES)):
            rows += ahead.num_rows
            size += ahead.nbytes
            yield ahead
            ahead = next(batches, None)

    yield piece()
    while ahead is not None:
        yield piece()


class _Content:
    """What a file holds, from which its name is made.

    Attributes:
        crawl: The crawl of all pairs; empty if there is none.
    """

    def __init__(self, part: InputPart, piece: int) -> None:
        named = part.path if part.row_groups is None else f"{part.path}\n{part.number}"
        named = f"{named}\n+{piece}" if piece else named
        self._digest = hashlib.blake2b(named.encode("utf-8", "surrogateescape"), digest_size=16)
        self.crawl = ""

    def watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yields the batches of the file."""
        for batch in batches:
            self._digest.update("".join(batch.column("uid").to_pylist()).encode())
            self.crawl = batch.column("crawl")[0].as_py()
            yield batch

    def file_name(self) -> str:
        """Returns the name, once all batches were yielded."""
        return f"{self._digest.hexdigest()}.parquet"
