"""A manifest, and a folder of images that are named by its uids or its image ids."""

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
from metaclip_curate.trainer.data.shards import TEXTS, Places, Shard

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
_COLUMNS = {"language": "metadata_lang"}
_IDS = {"uid": pa.string(), "image_id": pa.string()}


class ImageFolder:
    """The rows of a manifest whose images are in a folder; a shard is a row group of a file.

    Args:
        manifest: A folder of Parquet files, local.
        images: A folder, local; files in it, at any depth, are named <uid> or <image_id> and a suffix.

    Attributes:
        missing: Rows of the manifest without an image in the folder.

    Raises:
        UserError: There is no manifest, or it has none of the images.
    """

    def __init__(self, manifest: str, images: str) -> None:
        self._files = sorted(Path(manifest).glob("*.parquet"))
        if not self._files:
            raise UserError(f"{manifest} has no Parquet files: name the manifest of a run")
        self._images = {
            path.stem: str(path) for path in sorted(Path(images).rglob("*")) if path.suffix.lower() in _SUFFIXES
        }
        self._groups: list[tuple[int, int]] = []
        for place in range(len(self._files)):
            with self._open(place) as file:
                self._groups += [(place, group) for group in range(file.num_row_groups)]
        self.names: Sequence[str] = [f"{self._files[place].name}#{group}" for place, group in self._groups]
        sizes = []
        self.missing = 0
        for place, group in self._groups:
            rows = self._read(place, group, _IDS)
            sizes.append(len(self._present(rows)[1]))
            self.missing += len(rows) - sizes[-1]
        self.sizes: Places = np.array(sizes, dtype=np.int64)
        if not self.sizes.sum():
            raise UserError(f"no file in {images} is named by a uid or an image_id of {manifest}: name another folder")

    has_all_texts = False

    def shard(self, number: int, columns: Sequence[str]) -> Shard:
        """Reads a row group. See `units.Source`."""
        place, group = self._groups[number]
        stored = {name: _COLUMNS.get(name, name) for name in columns if name != "image"}
        wanted = {**_IDS, **{column: TEXTS.field(name).type for name, column in stored.items()}}
        rows = self._read(place, group, wanted)
        keys, places = self._present(rows)
        rows = rows.take(pa.array(places, pa.int64()))
        values = {name: rows[column] for name, column in stored.items()}
        if "image" in columns:
            values["image"] = pa.array(np.arange(len(keys)))
        return Shard(keys, pa.table({name: values[name] for name in columns}))

    def open(self, number: int) -> FolderImages:
        """Reads files by their names."""
        return FolderImages()

    def _open(self, place: int) -> AbstractContextManager[pq.ParquetFile]:
        return open_parquet(
            str(self._files[place]), StorageOptions(), "restore it from a copy, or make the manifest again"
        )

    def _read(self, place: int, group: int, columns: Mapping[str, pa.DataType]) -> pa.Table:
        with self._open(place) as file:
            rows = file.read_row_group(group, list(columns))
        return cast_table(rows, pa.schema(list(columns.items())), str(self._files[place]))

    def _present(self, rows: pa.Table) -> tuple[list[str], list[int]]:
        """The files of those rows that have one, and the rows' places."""
        keys, places = [], []
        for place, names in enumerate(zip(rows["uid"].to_pylist(), rows["image_id"].to_pylist(), strict=True)):
            found = next((self._images[name] for name in names if name in self._images), None)
            if found is not None:
                keys.append(found)
                places.append(place)
        return keys, places


class FolderImages:
    """Images that are files of their own."""

    problem = ""

    def take(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Reads files. See `units.ImageBytes`."""
        found = {}
        for key in keys:
            try:
                found[key] = Path(key).read_bytes()
            except OSError as error:
                self.problem = f"file unreadable ({type(error).__name__})"
        return found

    def close(self) -> None:
        """Nothing is open."""
