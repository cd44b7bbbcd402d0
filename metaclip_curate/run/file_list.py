"""The files of a part of a run's tables: which there are, and whether they are still what was written.

A part's list names each file with its rows, its size and a checksum of its footer. It lies in a file of its own, whose
digest run.json keeps, and a stage that reads the part holds the folder to it first: what is missing, too many or
altered is found before anything is made of it. What is inside the pages is guarded by the checksums that Parquet keeps
of each page (Parquet's page header, field crc), which readers verify; the footer has none of its own, and a changed
footer can be valid, with a column of another name, say, which is then read as nulls.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import local_path

_TAIL_BYTES = 8  # a Parquet file ends with the length of its footer and the magic number, four bytes each
_READERS = 16  # footers that are read at a time: each is one request to the store


class PartFile(NamedTuple):
    """A Parquet file as it was written.

    Attributes:
        name: Its name in the folder.
        rows: Number of rows.
        size: Number of bytes.
        footer: Number of bytes before its footer.
        crc: CRC-32 of the bytes from there to the end.
    """

    name: str
    rows: int
    size: int
    footer: int
    crc: int


class TableFile(NamedTuple):
    """A file of a table, wherever it lies.

    Attributes:
        url: Path or URL.
        rows: Number of rows; None where no list says so, in a folder that was written before lists were kept.
    """

    url: str
    rows: int | None


class FileState(NamedTuple):
    """The size of a local file, in bytes, and when it was last changed, in nanoseconds since the epoch."""

    size: int
    time: int


@dataclass(frozen=True)
class FileList:
    """The files of one part.

    Attributes:
        tables: The files of each table that the part belongs to, in the order of their names.
        inputs: The local input files that the part was made from, as they were when it was begun.
    """

    tables: Mapping[str, Sequence[PartFile]]
    inputs: Mapping[str, FileState] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Writes the list as JSON."""
        return json.dumps({"tables": self.tables, "inputs": self.inputs}, ensure_ascii=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> FileList:
        """Reads what `to_bytes` wrote."""
        document = json.loads(data)
        tables = {name: [PartFile(*file) for file in files] for name, files in document["tables"].items()}
        return cls(tables, {name: FileState(*state) for name, state in document["inputs"].items()})


def digest(data: bytes) -> str:
    """Names the bytes of a list."""
    return hashlib.sha256(data).hexdigest()


def describe(local: str, name: str, rows: int) -> PartFile:
    """Describes a Parquet file that was just written.

    Args:
        local: Where it lies on this machine.
        name: The name that it will have in its folder.
        rows: Number of rows that were written.
    """
    with Path(local).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(size - _TAIL_BYTES)
        footer = size - _TAIL_BYTES - int.from_bytes(file.read(4), "little")
        file.seek(footer)
        return PartFile(name, rows, size, footer, zlib.crc32(file.read()))


def rows_of(files: Sequence[TableFile]) -> int | None:
    """Adds up the rows of files; None where they aren't known of all."""
    rows = [file.rows for file in files]
    return None if None in rows else sum(each for each in rows if each)


def states_of(paths: Iterable[str]) -> dict[str, FileState]:
    """Looks at input files on this machine's disks.

    Args:
        paths: Paths and URLs; those that aren't files of this machine are left out.
    """
    states = {}
    for path in paths:
        if storage.is_local(path):
            try:
                found = Path(local_path(path)).stat()
            except OSError:  # a worker on another machine may have it
                continue
            states[path] = FileState(found.st_size, found.st_mtime_ns)
    return states


def check_folder(folder: str, files: Sequence[PartFile], options: StorageOptions, remedy: str) -> None:
    """Holds a folder to its list.

    Args:
        folder: The folder of a part of a table.
        files: The files that were written to it.
        options: How to reach it.
        remedy: What to do where they differ, for the message.

    Raises:
        UserError: A file is missing, was added, or isn't what was written.
    """
    found = storage.file_sizes(folder, options)
    listed = {file.name: file for file in files}
    for name in sorted(listed.keys() - found.keys()):
        raise UserError(f"{storage.join(folder, name)} is missing: {remedy}")
    for name in sorted(found.keys() - listed.keys()):
        # Spark and Arrow pass over names that begin so, and so do all who read a folder of Parquet files.
        if ".parquet" in name and not name.startswith((".", "_")):
            raise UserError(f"{storage.join(folder, name)} was not written by this run: move it out of the folder")
    for name, file in listed.items():
        if found[name] != file.size:
            raise UserError(
                f"{storage.join(folder, name)} has {found[name]:,} bytes, and {file.size:,} were written: {remedy}"
            )
    urls = [storage.join(folder, file.name) for file in files]
    with ThreadPoolExecutor(_READERS) as pool:
        footers = pool.map(lambda file, url: _footer_crc(url, file, options), files, urls)
        for url, file, crc in zip(urls, files, footers, strict=True):
            if crc != file.crc:
                raise UserError(f"{url} was changed after the run wrote it: {remedy}")


def _footer_crc(url: str, file: PartFile, options: StorageOptions) -> int:
    return zlib.crc32(storage.read_from(url, file.footer, options))
