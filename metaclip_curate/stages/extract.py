"""Input files to pairs and inputs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from metaclip_curate import storage
from metaclip_curate.run.file_list import Origin, PartFile
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.extract_task import ExtractTask, InputPart, write_pairs_of
from metaclip_curate.stages.shared.partitioning import numbered_tasks
from metaclip_curate.stages.shared.tables import PART_FILE
from metaclip_curate.storage import StorageOptions

_READ = pa.schema(
    [
        *PART_FILE,
        *(pa.field(name, pa.string()) for name in ("path", "crawl", "stats")),
        *(pa.field(name, pa.int64()) for name in ("part", "piece")),
    ]
)
_ATTEMPTS = 3


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
    """Reads input files and writes their pairs, one task each.

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
            stats = [json.loads(row["stats"]) for row in read if row["stats"]]
            origins = {row["name"]: Origin(row["crawl"], row["path"], row["part"], row["piece"]) for row in read}
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
                written, stats = write_pairs_of(part, task, folder)
                about = {"path": part.path, "part": part.number}
                rows = [
                    {**each.file._asdict(), **about, "crawl": each.crawl, "piece": piece}
                    for piece, each in enumerate(written)
                ]
                rows[0]["stats"] = json.dumps(dataclasses.asdict(stats))  # of all pieces
                yield pa.RecordBatch.from_pylist(rows, schema=_READ)

    return read
