"""The images that img2dataset stored: in tars beside its tables (webdataset), or in its tables (parquet)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.pools.tar_archive import TarArchive
from metaclip_curate.extract.pools.tar_samples import split_name
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.file_identity import file_state
from metaclip_curate.storage.parquet_input import cast_table, open_parquet

_EXTENSIONS = ("jpg", "jpeg", "png", "webp")
# What is read of a table; columns that it lacks are null.
_ROWS = pa.schema(
    [
        ("uid", pa.string()),
        ("key", pa.string()),
        ("status", pa.string()),
        ("sha256", pa.string()),
        ("md5", pa.string()),
        ("original_width", pa.int32()),
        ("original_height", pa.int32()),
    ]
)
_SUCCESS = "success"
# Why an image has no data.
MISSING, DAMAGED = "missing from its shard", "missing, as the tar of its shard is cut off or damaged"
_BATCH_ROWS = 64
_READERS = 16
_MOST_BYTES = 2**31 - 1  # img2dataset decodes no longer files
_REMEDY = "let img2dataset finish or redo that shard, or remove its files"


class Shard(NamedTuple):
    """A shard of a downloaded folder.

    Attributes:
        folder: Path or URL of the folder.
        name: Its name, such as 00000.
        state: Sizes of its files, of local ones the times of their last changes, and the checksum of its statistics,
            by which a later command sees that it is the same.
        in_tar: Whether its images are in a tar.
    """

    folder: str
    name: str
    state: str
    in_tar: bool

    def url(self, extension: str) -> str:
        """Returns the path or URL of one of its files."""
        return storage.join(self.folder, f"{self.name}.{extension}")


class StoredImage(NamedTuple):
    """An image that was fetched.

    Attributes:
        row: Its row of img2dataset's table: uid, key, sha256, md5, original_width and original_height, or None.
        data: Bytes of its file as it is stored; None if it is missing.
        missing: Why it is missing; empty if it isn't.
    """

    row: Mapping[str, Any]
    data: bytes | None
    missing: str = ""


def list_shards(folder: str, options: StorageOptions) -> list[Shard]:
    """Returns a folder's shards, sorted.

    Args:
        folder: Path or URL of the folder.
        options: Credentials and limits for reading it.

    Raises:
        UserError: There are none.
    """
    sizes = storage.file_sizes(folder, options)
    names = sorted(name.removesuffix(".parquet") for name in sizes if name.endswith(".parquet"))
    if not names:
        raise UserError(f"{folder} has no Parquet files: name the folder that img2dataset wrote")

    def shard(name: str) -> Shard:
        statistics = f"{name}_stats.json"
        # They have the time of the download, which tells shards of equal sizes apart in an object store.
        data = storage.read_bytes(storage.join(folder, statistics), options) if statistics in sizes else b""
        files = [file for file in (f"{name}.parquet", f"{name}.tar") if file in sizes]
        states = [file_state(storage.join(folder, file), sizes[file]) for file in files]
        return Shard(folder, name, " ".join([*states, str(zlib.crc32(data))]), len(files) > 1)

    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(shard, names))


def stored_images(shard: Shard, options: StorageOptions) -> Iterator[StoredImage]:
    """Yields the images of a shard that were fetched.

    Args:
        shard: The shard.
        options: Credentials and limits for reading it.

    Raises:
        UserError: A file is missing or damaged, or the images are in neither of the forms.
    """
    table = shard.url("parquet")
    with open_parquet(table, options, _REMEDY) as file:
        names = file.schema_arrow.names
        for column in ("key", "status"):
            if column not in names:
                raise UserError(f"{table} has no column {column}: name the folder that img2dataset wrote")
        if shard.in_tar:
            columns = [name for name in _ROWS.names if name in names]
            yield from _of_tar(shard, _fetched(file.read(columns), table), options)
            return
        column = next((name for name in _EXTENSIONS if name in names), "")
        if not column:
            raise UserError(
                f"{shard.url('tar')} is missing, and {table} has no column {' or '.join(_EXTENSIONS)}: download with "
                "--output_format webdataset or parquet"
            )
        yield from _of_table(file, column, table)


def _of_table(file: pq.ParquetFile, column: str, url: str) -> Iterator[StoredImage]:
    columns = [name for name in _ROWS.names if name in file.schema_arrow.names]
    for batch in file.iter_batches(_BATCH_ROWS, columns=[*columns, column]):
        rows = pa.Table.from_batches([batch])
        images = rows.column(column).to_pylist()
        for row, data in zip(cast_table(rows, _ROWS, url).to_pylist(), images, strict=True):
            if row["status"] == _SUCCESS:
                yield StoredImage(row, data, "" if data is not None else MISSING)


def _of_tar(shard: Shard, rows: dict[str, dict[str, Any]], options: StorageOptions) -> Iterator[StoredImage]:
    stats = InputStats(shard.url("tar"))
    try:
        with storage.open_input(shard.url("tar"), options) as stream:
            archive = TarArchive(stream, stats, lambda name: split_name(name)[1] in _EXTENSIONS, _MOST_BYTES)
            for member in archive.members():
                key, extension = split_name(member.name)
                if extension in _EXTENSIONS and key in rows and member.data is not None:
                    yield StoredImage(rows.pop(key), member.data)
    except InputError as error:
        raise UserError(f"{shard.url('tar')} can't be read ({error.reason}): {_REMEDY}") from error
    for row in rows.values():
        yield StoredImage(row, None, DAMAGED if stats.error else MISSING)


def _fetched(table: pa.Table, url: str) -> dict[str, dict[str, Any]]:
    rows = cast_table(table, _ROWS, url).to_pylist()
    return {row["key"]: row for row in rows if row["status"] == _SUCCESS}
