"""A manifest with a folder of images, whose files are named by uid or image id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_table, open_parquet
from metaclip_curate.trainer.data.shards import TEXTS, Indices, Shard

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
_COLUMNS = {"language": "metadata_lang"}
_IDS = {"uid": pa.string(), "image_id": pa.string()}


class ImageFolder:
    """The rows of a manifest whose images are in a folder; each row group of a file is a shard.

    Args:
        manifest: Local folder of Parquet files.
        images: Local folder, in which files at any depth are named by uid or image_id and a suffix.

    Attributes:
        missing: Number of rows of the manifest without an image in the folder.
        names: File and row group of each shard.
        sizes: Number of images of each shard, shape (shards,).
        has_entries: False, since batches by entries aren't made of folders.
        has_all_texts: False, since each image has the one text that was drawn for it.
        remedy: What a user can check if no image can be read.

    Raises:
        UserError: The manifest has no Parquet files, or none of its images are in the folder.
    """

    def __init__(self, manifest: str, images: str) -> None:
        self._files = sorted(Path(manifest).glob("*.parquet"))
        if not self._files:
            raise UserError(f"{manifest} has no Parquet files: name the manifest of a run")
        self._images = {
            path.stem: str(path) for path in sorted(Path(images).rglob("*")) if path.suffix.lower() in _SUFFIXES
        }
        self._groups: list[tuple[int, int]] = []
        for number in range(len(self._files)):
            with self._open(number) as file:
                self._groups += [(number, group) for group in range(file.num_row_groups)]
        self.names: Sequence[str] = [f"{self._files[number].name}#{group}" for number, group in self._groups]
        sizes = []
        self.missing = 0
        for number, group in self._groups:
            rows = self._read(number, group, _IDS)
            sizes.append(len(self._present(rows)[1]))
            self.missing += len(rows) - sizes[-1]
        self.sizes: Indices = np.array(sizes, dtype=np.int64)
        if not self.sizes.sum():
            raise UserError(f"no file in {images} is named by a uid or an image_id of {manifest}: name another folder")

    has_all_texts = False
    has_entries = False
    remedy = "look at the files"

    def shard(self, index: int, columns: Sequence[str]) -> Shard:
        """Reads a row group. See `ShardSource.shard`."""
        number, group = self._groups[index]
        stored = {name: _COLUMNS.get(name, name) for name in columns if name != "image"}
        types = {**_IDS, **{column: TEXTS.field(name).type for name, column in stored.items()}}
        rows = self._read(number, group, types)
        keys, found = self._present(rows)
        rows = rows.take(pa.array(found, pa.int64()))
        values = {name: rows[column] for name, column in stored.items()}
        if "image" in columns:
            values["image"] = pa.array(np.arange(len(keys)))
        return Shard(keys, pa.table({name: values[name] for name in columns}))

    def open(self, index: int) -> FolderImages:
        """Returns a reader of the image files."""
        return FolderImages()

    def _open(self, number: int) -> AbstractContextManager[pq.ParquetFile]:
        return open_parquet(
            str(self._files[number]), StorageOptions(), "restore it from a copy, or make the manifest again"
        )

    def _read(self, number: int, group: int, columns: Mapping[str, pa.DataType]) -> pa.Table:
        with self._open(number) as file:
            rows = file.read_row_group(group, list(columns))
        return cast_table(rows, pa.schema(list(columns.items())), str(self._files[number]))

    def _present(self, rows: pa.Table) -> tuple[list[str], list[int]]:
        """Finds the rows that have an image: the image files, and the row numbers."""
        keys, found = [], []
        for row, names in enumerate(zip(rows["uid"].to_pylist(), rows["image_id"].to_pylist(), strict=True)):
            file = next((self._images[name] for name in names if name in self._images), None)
            if file is not None:
                keys.append(file)
                found.append(row)
        return keys, found


class FolderImages:
    """Images that are files in a folder.

    Attributes:
        problem: The reason why images may be missing.
    """

    problem = ""

    def take(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Reads files. See `ImageReader.take`."""
        found = {}
        for key in keys:
            try:
                found[key] = Path(key).read_bytes()
            except OSError as error:
                self.problem = f"file unreadable ({type(error).__name__})"
        return found

    def close(self) -> None:
        """Does nothing, since no file stays open."""
