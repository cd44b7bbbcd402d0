"""Input files to pairs and inputs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from metaclip_curate import storage
from metaclip_curate.console.file_reports import FileReport, Reporter
from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.extract.pools.parquet_rows import RowGroups
from metaclip_curate.extract.pools.read_pool import FilePart
from metaclip_curate.run.file_list import Origin, PartFile
from metaclip_curate.run.selections import SelectedWarc, read_ranges
from metaclip_curate.schemas import PAIRS, ddl
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.partitioning import numbered_tasks
from metaclip_curate.stages.shared.tables import PART_FILE
from metaclip_curate.storage import StorageOptions

# The pages of a file follow one another, so that even their URLs repeat.
LAYOUT = Layout(PAIRS, ("text_source", "page_url", "page_lang", "license", "crawl", "source_file"))
_READ = pa.schema(
    [*PART_FILE, pa.field("crawl", pa.string()), pa.field("part", pa.int64()), pa.field("stats", pa.string())]
)
_ATTEMPTS = 3


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
    """

    read: ReadOptions
    storage: StorageOptions
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)
    reports: str = ""
    selected: Mapping[str, SelectedWarc] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadFiles:
    """What a round of input files gave.

    Attributes:
        inputs: Rows of `schemas.INPUTS`, one for each input file, by path.
        files: The files of pairs that were written, by name.
        origins: Crawl and input file of each file of pairs, by its name.
    """

    inputs: list[dict[str, Any]]
    files: list[PartFile]
    origins: dict[str, Origin]


def write_pairs(spark: SparkSession, parts: Sequence[InputPart], task: ExtractTask, folder: str) -> ReadFiles:
    """Reads input files and writes their pairs, one task and one file each.

    Args:
        spark: The session.
        parts: The input files, or parts of them. Their stats fit into the driver's memory.
        task: How to read them.
        folder: Folder to write, whose content is replaced.

    Raises:
        RuntimeError: Repeated attempts of a task gave different results each time.
    """
    tasks = numbered_tasks(spark, len(parts)).mapInArrow(_reader(parts, task, folder), ddl(_READ))
    for _ in range(_ATTEMPTS):
        storage.delete_folder(folder, task.storage)
        read = tasks.collect()
        written = storage.list_parquet(folder, task.storage)
        # Spark takes one result of a task that ran twice. Both attempts wrote the same file, unless the network gave
        # them different rows. Then there is one file too many, and all is done again.
        if sorted(row["name"] for row in read) == written:
            stats = [json.loads(row["stats"]) for row in read]
            origins = {
                row["name"]: Origin(row["crawl"], each["path"], row["part"])
                for row, each in zip(read, stats, strict=True)
            }
            files = sorted(PartFile(*row[: len(PartFile._fields)]) for row in read)
            return ReadFiles(added_up(stats), files, origins)
    raise RuntimeError(f"{folder} has {written}, and the tasks reported {sorted(row['name'] for row in read)}")


def added_up(stats: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Adds the stats of the parts of each input file.

    Args:
        stats: Rows of `schemas.INPUTS`, one for each part.

    Returns:
        Rows of `schemas.INPUTS`, one for each input file, by path.
    """
    files: dict[str, dict[str, Any]] = {}
    for part in stats:
        file = files.setdefault(part["path"], {})
        for name, value in part.items():
            if isinstance(value, (int, float)):
                file[name] = file.get(name, 0) + value
            elif name == "status":
                # A file of which a part failed is damaged, unless all did.
                file[name] = value if file.get(name, value) == value else "partial"
            else:
                file[name] = file.get(name) or value
    return [files[path] for path in sorted(files)]


def copy_pairs(spark: SparkSession, files: Sequence[str], folder: str, options: StorageOptions) -> None:
    """Copies files of pairs as they are, one task each.

    Args:
        spark: The session.
        files: Paths or URLs.
        folder: Folder to write, whose content is replaced.
        options: Credentials and limits for the files and the folder.
    """

    def copy(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                name = files[number].rpartition("/")[2]
                storage.write_bytes(storage.join(folder, name), storage.read_bytes(files[number], options), options)
            yield batch

    storage.delete_folder(folder, options)
    if files:
        numbered_tasks(spark, len(files)).mapInArrow(copy, "id long").count()


def _reader(
    parts: Sequence[InputPart], task: ExtractTask, folder: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                part = parts[number]
                stats = InputStats(part.path)
                file, crawl = _write_pairs_of(part, stats, task, folder)
                first = part.row_groups.first if part.row_groups else 0
                numbers = {"crawl": crawl, "part": first, "stats": json.dumps(dataclasses.asdict(stats))}
                yield pa.RecordBatch.from_pylist([file._asdict() | numbers], schema=_READ)

    return read


def _write_pairs_of(part: InputPart, stats: InputStats, task: ExtractTask, folder: str) -> tuple[PartFile, str]:
    """Writes the pairs of a part, and fills in its stats; returns the crawl as well, which all pairs have."""
    path, crawl = part.path, ""
    # The console counts whole files.
    reporter = Reporter(task.reports if part.row_groups is None else "")
    named = path if part.row_groups is None else f"{path}\n{part.row_groups.first}"
    digest = hashlib.blake2b(named.encode("utf-8", "surrogateescape"), digest_size=16)

    def pairs() -> Iterator[pa.RecordBatch]:
        nonlocal crawl
        address, ranges = task.addresses.get(path, path), None
        if path in task.selected:
            address, ranges = task.selected[path].warc, read_ranges(task.selected[path], task.storage)
        of_file = FilePart(part.row_groups, part.below)
        for batch in read_pairs(address, task.read, task.storage, stats, ranges, of_file):
            reporter.report(FileReport(path, stats.pairs, finished=False))
            digest.update("".join(batch.column("uid").to_pylist()).encode())
            crawl = batch.column("crawl")[0].as_py()
            yield batch

    def name() -> str:
        return f"{digest.hexdigest()}.parquet"

    file = write_file(pairs(), LAYOUT.keeping(task.read.kept), folder, name, task.storage)
    if file.rows != stats.pairs:
        raise RuntimeError(f"{path} gave {file.rows} pairs, but its stats have {stats.pairs}")
    if stats.error.startswith("HTTP 4") and storage.is_web(path) and path not in task.addresses:
        stats.error += (
            " (it is none of this command's --input: where it needs a password or a signature, name it with that again)"
        )
    reporter.report(FileReport(path, stats.pairs, finished=True))
    return file, crawl
