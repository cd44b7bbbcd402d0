"""The list of a part's files, by which a reader checks that the files are still what was written.

The list of a part names each file with its number of rows, its size and a checksum of its footer. It is a file of its
own, whose digest run.json keeps. A stage that reads the part first compares the folder with the list, so that a
missing, added or changed file is found before anything is computed from it. The pages of a file are guarded by the
checksums that Parquet keeps of them (field crc of the page header), which readers verify. The footer has no checksum,
and a changed footer can be valid: a column that gets another name is read as nulls.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
        name: The file's name in its folder.
        rows: Number of rows.
        size: Number of bytes.
        footer: Number of bytes before its footer.
        crc: CRC-32 of the footer, up to the end of the file.
    """

    name: str
    rows: int
    size: int
    footer: int
    crc: int


class TableFile(NamedTuple):
    """A file of a table.

    Attributes:
        url: Path or URL.
        rows: Number of rows; None in a folder without a list, which a rebalanced run has for `pairs`.
    """

    url: str
    rows: int | None


class FileState(NamedTuple):
    """What shows that a local file has changed.

    Attributes:
        size: Number of bytes.
        time: Time of the last change, in nanoseconds since the epoch.
    """

    size: int
    time: int


class Origin(NamedTuple):
    """Where the rows of a file of `pairs` came from.

    Attributes:
        crawl: Name of the crawl; empty if unknown.
        source_file: Name of the input file.
        part: Number of its part, of a file that several tasks read.
        piece: Number of the file among those that a task wrote.
    """

    crawl: str
    source_file: str
    part: int = 0
    piece: int = 0


@dataclass(frozen=True)
class FileList:
    """The files of one part.

    Attributes:
        tables: Files of each table that the part belongs to, in the order of their names.
        inputs: States of the local input files that the part was read from, taken before they were read.
        origins: Of a part of `pairs`, where each file's rows came from, by the file's name.
        below: Of a part of `pairs`, the paths by which pairs of a pool without URLs are named, by the input's name.
    """

    tables: Mapping[str, Sequence[PartFile]]
    inputs: Mapping[str, FileState] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    below: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Returns the list as JSON."""
        document = {"tables": self.tables, "inputs": self.inputs, "origins": self.origins, "below": self.below}
        return json.dumps(document, ensure_ascii=True).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> FileList:
        """Reads the JSON that `to_bytes` returns."""
        document = json.loads(data)
        tables = {name: [PartFile(*file) for file in files] for name, files in document["tables"].items()}
        return cls(
            tables,
            {name: FileState(*state) for name, state in document["inputs"].items()},
            {name: Origin(*origin) for name, origin in document["origins"].items()},
            document.get("below", {}),
        )


def digest(data: bytes) -> str:
    """Returns the SHA-256 of a list, in hex digits."""
    return hashlib.sha256(data).hexdigest()


def describe(local: str, name: str, rows: int) -> PartFile:
    """Returns the list's row of a Parquet file that was just written.

    Args:
        local: Path of the file on this machine.
        name: The file's name in its folder.
        rows: Number of rows that were written.
    """
    with Path(local).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(size - _TAIL_BYTES)
        footer = size - _TAIL_BYTES - int.from_bytes(file.read(4), "little")
        file.seek(footer)
        return PartFile(name, rows, size, footer, zlib.crc32(file.read()))


def rows_of(files: Sequence[TableFile]) -> int | None:
    """Adds up the rows of files; returns None if the number of one isn't known."""
    rows = [file.rows for file in files]
    return None if None in rows else sum(each for each in rows if each)


def states_of(paths: Iterable[str]) -> dict[str, FileState]:
    """Returns the states of input files on this machine's disks.

    Args:
        paths: Paths and URLs, of which those that aren't files of this machine are left out.
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


def check_folder(
    folder: str,
    files: Mapping[str, PartFile],
    options: StorageOptions,
    remedy: str,
    begun: Callable[[], Collection[str]] = tuple,
) -> None:
    """Compares all that is below a folder with what was written, by one listing.

    Args:
        folder: Folder of a table, or of a part of one.
        files: Files that were written to it, by their path in the folder.
        options: Credentials and limits for the folder.
        remedy: What to do if they differ, for the message.
        begun: Returns the names of folders in it that belong to the run and whose files aren't listed.

    Raises:
        UserError: A file is missing, was added, or isn't what was written.
    """
    found = storage.file_sizes(folder, options, recursive=True)
    for path in sorted(files.keys() - found.keys()):
        raise UserError(f"{storage.join(folder, path)} is missing: {remedy}")
    added = sorted(filter(_is_read, found.keys() - files.keys()))
    known = begun() if added else ()
    for path in added:
        if path.partition("/")[0] not in known:
            raise UserError(f"{storage.join(folder, path)} was not written by this run: move it out of the folder")
    for path, file in files.items():
        if found[path] != file.size:
            raise UserError(
                f"{storage.join(folder, path)} has {found[path]:,} bytes, and {file.size:,} were written: {remedy}"
            )
    with ThreadPoolExecutor(_READERS) as pool:
        footers = pool.map(lambda path: _footer_crc(storage.join(folder, path), files[path], options), files)
        for path, crc in zip(files, footers, strict=True):
            if crc != files[path].crc:
                raise UserError(f"{storage.join(folder, path)} was changed after the run wrote it: {remedy}")


def _is_read(path: str) -> bool:
    """Returns whether readers of a folder of Parquet files read a file below it."""
    names = path.split("/")
    # Spark, Arrow and other readers skip names that begin so.
    return any(".parquet" in name for name in names) and not any(name.startswith((".", "_")) for name in names)


def _footer_crc(url: str, file: PartFile, options: StorageOptions) -> int:
    return zlib.crc32(storage.read_from(url, file.footer, options))
