"""img2dataset's webdataset shards: NNNNN.tar with the images, NNNNN.parquet with their texts and other columns.

The webdataset library reads the tar from a stream of `metaclip_curate.storage`, so shards may be in any store in which
a run may be. Texts come from the Parquet file, which can be read without the images.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from webdataset.tariterators import base_plus_ext, tar_file_expander

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_table, open_parquet
from metaclip_curate.trainer.data.shards import TEXTS, Indices, Shard

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_SIZES = "sizes.json"
_ONE_TEXT = {"text": "caption", "language": "metadata_lang"}
_SEVERAL_TEXTS = {"language": "metadata_lang"}
_KEY_AND_STATUS = pa.schema([("key", pa.string()), ("status", pa.string())])
_STRUCT = pa.struct([(_SEVERAL_TEXTS.get(field.name, field.name), field.type) for field in TEXTS])
_BUFFER = 1 << 20


def is_download(folder: str, options: StorageOptions | None = None) -> bool:
    """Returns whether `metaclip-curate download` has filled a folder."""
    return storage.exists(storage.join(folder, _SIZES), options or StorageOptions())


class WebdatasetShards:
    """A folder of shards that `metaclip-curate download` filled.

    Args:
        folder: Local, s3://, gs:// or hdfs://.
        options: Credentials and limits for reading the folder.

    Attributes:
        names: Name of each shard, without a suffix.
        sizes: Number of images of each shard, shape (shards,).
        has_all_texts: Whether the shards hold matched images with all their texts, rather than drawn pairs.
        has_entries: Whether texts have the column entry_ids.
        remedy: What a user can check if no image can be read.

    Raises:
        UserError: The folder holds no such shards.
    """

    remedy = "look at the shards"

    def __init__(self, folder: str, options: StorageOptions | None = None) -> None:
        self._folder, self._options = folder, options or StorageOptions()
        try:
            read = json.loads(storage.read_bytes(storage.join(folder, _SIZES), self._options))
        except FileNotFoundError as error:
            raise UserError(
                f"{folder} has no {_SIZES}: name a folder that `metaclip-curate download` has finished ({error})"
            ) from error
        except ValueError as error:  # neither UTF-8 nor JSON
            raise UserError(f"{folder}/{_SIZES} is damaged: give the download's command again") from error
        sizes = {str(name).removesuffix(".tar"): int(size) for name, size in sorted(read.items())}
        self.names: Sequence[str] = list(sizes)
        self.sizes: Indices = np.array(list(sizes.values()), dtype=np.int64)
        if not self.sizes.sum():
            raise UserError(f"{folder} has no images: look at what `metaclip-curate download` printed")
        with self._parquet(self.names[0]) as file:
            columns = set(file.schema_arrow.names)
        self.has_all_texts = "texts" in columns
        self.has_entries = self.has_all_texts or "entry_ids" in columns
        needed = {"texts"} if self.has_all_texts else {"uid", *_ONE_TEXT.values()}
        if missing := sorted(needed - columns):
            raise UserError(
                f"the Parquet files in {folder} have no column {missing[0]}: fetch the images with "
                "`metaclip-curate download`"
            )

    def shard(self, index: int, columns: Sequence[str]) -> Shard:
        """Reads keys and texts of a shard. See `ShardSource.shard`."""
        with self._parquet(self.names[index]) as file:
            if self.has_all_texts:
                rows = self._fetched(file.read(["key", "status", "texts"]), index)
                return Shard(rows["key"].to_pylist(), _several_texts(rows["texts"], columns, self._url(index)))
            stored = {name: _ONE_TEXT.get(name, name) for name in columns if name != "image"}
            rows = self._fetched(file.read(["key", "status", *stored.values()]), index)
        values = {name: rows[column] for name, column in stored.items()}
        if "image" in columns:
            values["image"] = pa.array(np.arange(len(rows)))
        texts = pa.table({name: values[name] for name in columns})
        return Shard(rows["key"].to_pylist(), cast_table(texts, _schema(columns), self._url(index)))

    def open(self, index: int) -> TarImages:
        """Opens the tar of a shard."""
        url = storage.join(self._folder, f"{self.names[index]}.tar")
        return TarImages(url, self._options)

    def _url(self, index: int) -> str:
        return storage.join(self._folder, f"{self.names[index]}.parquet")

    def _fetched(self, rows: pa.Table, index: int) -> pa.Table:
        """Keeps the rows whose image was downloaded."""
        typed = cast_table(rows.select(["key", "status"]), _KEY_AND_STATUS, self._url(index))
        for position, name in enumerate(rows.column_names):
            if name in typed.column_names:
                rows = rows.set_column(position, name, typed[name])
        return rows.filter(pc.equal(rows["status"], "success"))

    def _parquet(self, name: str) -> contextlib.AbstractContextManager[pq.ParquetFile]:
        remedy = f"remove {name}_stats.json and the other files of the shard, and give the download's command again"
        return open_parquet(storage.join(self._folder, f"{name}.parquet"), self._options, remedy)


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([TEXTS.field(name) for name in columns])


def _several_texts(lists: pa.ChunkedArray, columns: Sequence[str], url: str) -> pa.Table:
    texts = lists.combine_chunks()
    if texts.null_count == len(texts):
        texts = pa.nulls(len(texts), pa.list_(_STRUCT))
    structs = pc.list_flatten(texts)
    if pa.types.is_null(structs.type):  # each list is empty
        structs = pa.nulls(len(structs), _STRUCT)
    sizes = pc.fill_null(pc.list_value_length(texts), 0).to_numpy()
    values = {"image": pa.array(np.repeat(np.arange(len(texts)), sizes))}
    for name in TEXTS.names:
        if name != "image" and name in columns:
            values[name] = pc.struct_field(structs, _SEVERAL_TEXTS.get(name, name))
    return cast_table(pa.table({name: values[name] for name in columns}), _schema(columns), url)


class TarImages:
    """The images of a tar, read from front to back.

    Args:
        url: URL or path of the tar.
        options: Credentials and limits for reading it.

    Attributes:
        problem: The reason why images may be missing.
    """

    def __init__(self, url: str, options: StorageOptions) -> None:
        self.problem = ""
        self._requested: set[str] = set()
        self._files: Iterator[dict[str, Any]] = iter(())
        self._stream: BinaryIO | None = None
        try:
            if storage.is_local(url):
                self._stream = Path(url).open("rb", buffering=_BUFFER)  # noqa: SIM115 (closed by `close`)
            else:
                self._stream = cast(BinaryIO, storage.open_input(url, options))
        except (OSError, storage.InputError) as error:
            self._stop(error)
            return
        self._files = tar_file_expander(
            iter([{"url": url, "stream": self._stream}]),
            handler=self._stop,
            select_files=self._is_requested,
            eof_value=None,
        )

    def take(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Reads on until all of these images are found or the tar ends. See `ImageReader.take`."""
        self._requested = set(keys)
        found: dict[str, bytes] = {}
        while self._requested:
            file = next(self._files, None)
            if file is None:
                self._check_end()
                break
            key, _ = base_plus_ext(file["fname"])
            self._requested.discard(key)
            found[key] = file["data"]
        return found

    def _check_end(self) -> None:
        """Records whether more follows the end, as tarfile ends without a word at a damaged header."""
        if self._stream is None or self.problem:
            return
        try:
            if self._stream.read(_BUFFER).strip(b"\0"):
                self.problem = "shard damaged (header)"
        except (OSError, storage.InputError) as error:
            self._stop(error)

    def close(self) -> None:
        """Closes the tar."""
        if self._stream is not None:
            self._stream.close()

    def _is_requested(self, name: str) -> bool:
        return name.lower().endswith(_IMAGE_SUFFIXES) and base_plus_ext(name)[0] in self._requested

    def _stop(self, error: Exception) -> bool:
        """Records an error and ends the reading."""
        # The cause of an InputError distinguishes a missing tar from a store that fails.
        self.problem = f"shard damaged ({type(error.__cause__ or error).__name__})"
        return False
