"""The tars of a pool from which a manifest was curated. The chosen pairs are read there, and nothing is downloaded.

A pair of the manifest names its tar (source_file) and its sample (source_id, which is the sample's key unless
--id-column named another column). Texts and languages come from the manifest.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_table, open_parquet
from metaclip_curate.storage.urls import location
from metaclip_curate.trainer.data.shards import TEXTS, Indices, Shard
from metaclip_curate.trainer.data.webdataset_source import TarImages

_TAR = ".tar"
_STORED = pa.schema([(name, pa.string()) for name in ("source_file", "source_id", "uid", "text", "metadata_lang")])
_NAMES = {"language": "metadata_lang"}
_REMEDY = "restore it from a copy, or make the manifest again"


class PoolTars:
    """The pairs of a manifest whose images are in the tars of the pool that it was curated from.

    The manifest's pairs are held in memory, about 200 bytes each, which worker processes share.

    Args:
        manifest: Folder of the manifest's Parquet files, local, s3://, gs:// or hdfs://.
        folder: Folder of the tars. If they aren't where the curation read them, they have the paths below it that
            they had below their common folder.
        options: Credentials and limits for reading both.

    Attributes:
        names: Path of each tar.
        sizes: Number of pairs of each tar, shape (tars,).
        missing: Number of pairs of the manifest that come from no tar.
        has_all_texts: False, since each pair was drawn.
        has_entries: False, since batches by entries aren't made of a pool's tars.
        remedy: What a user can check if no image can be read.

    Raises:
        UserError: The manifest has no files, or no pair that comes from a tar.
    """

    has_all_texts = False
    has_entries = False

    def __init__(self, manifest: str, folder: str = "", options: StorageOptions | None = None) -> None:
        self._options = options or StorageOptions()
        rows = _read_manifest(manifest, self._options)
        of_tars = rows.filter(pc.ends_with(rows["source_file"], _TAR))
        self.missing = len(rows) - len(of_tars)
        if not len(of_tars):
            raise UserError(
                f"no pair of {manifest} comes from a tar: name the manifest of a run whose --input were webdataset tars"
            )
        # Tars hold their samples in the order of their keys.
        self._rows = of_tars.sort_by([(name, "ascending") for name in ("source_file", "source_id", "uid")])
        counted = pc.value_counts(self._rows["source_file"].combine_chunks())
        files: list[str] = counted.field("values").to_pylist()
        self.sizes: Indices = counted.field("counts").to_numpy().astype(np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.names: Sequence[str] = [*_moved(files, folder)] if folder else files
        sample = self._rows["source_id"][0].as_py()
        self.remedy = (
            f"check that the pool has {self.names[0]}, and in it the sample {sample!r} (source_id is the sample's key "
            "if the run had no --id-column)"
        )

    def shard(self, index: int, columns: Sequence[str]) -> Shard:
        """Returns keys and texts of the pairs from a tar. See `ShardSource.shard`."""
        rows = self._rows.slice(self._starts[index], self.sizes[index])
        values = {name: rows[_NAMES.get(name, name)] for name in columns if name != "image"}
        if "image" in columns:
            values["image"] = pa.array(np.arange(len(rows)))
        schema = pa.schema([TEXTS.field(name) for name in columns])
        texts = cast_table(pa.table({name: values[name] for name in columns}), schema, self.names[index])
        return Shard(rows["source_id"].to_pylist(), texts)

    def open(self, index: int) -> PoolImages:
        """Opens a tar."""
        return PoolImages(self.names[index], self._options)


class PoolImages:
    """The images of a tar. Several pairs may have the same one, and its samples may be in any order.

    Args:
        url: Path or URL of the tar.
        options: Credentials and limits for reading it.
    """

    def __init__(self, url: str, options: StorageOptions) -> None:
        self._url = url
        self._options = options
        self._images = TarImages(url, options)
        self._last: dict[str, bytes] = {}

    @property
    def problem(self) -> str:
        """The reason why images may be missing. See `ImageReader.problem`."""
        return self._images.problem

    def take(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Reads images. See `ImageReader.take`."""
        found = {key: self._last[key] for key in keys if key in self._last}
        missing = [key for key in keys if key not in found]
        if missing:
            found |= self._images.take(missing)
        missing = [key for key in keys if key not in found]
        if missing and not self._images.problem:
            # In a tar that isn't sorted they may be before the others.
            self._images.close()
            self._images = TarImages(self._url, self._options)
            found |= self._images.take(missing)
        self._last = found
        return found

    def close(self) -> None:
        """Closes the tar."""
        self._images.close()


def _read_manifest(manifest: str, options: StorageOptions) -> pa.Table:
    tables = []
    for name in storage.list_parquet(manifest, options):
        url = storage.join(manifest, name)
        with open_parquet(url, options, _REMEDY, _STORED.names) as file:
            if "source_id" not in file.schema_arrow.names:
                raise UserError(f"{url} has no column source_id: name the manifest of a run over a pool's tars")
            tables.append(cast_table(file.read(_STORED.names), _STORED, url))
    if not tables:
        raise UserError(f"{manifest} has no Parquet files: name the manifest of a run")
    return pa.concat_tables(tables)


def _moved(files: Sequence[str], folder: str) -> Sequence[str]:
    """Returns the paths of files in a folder, below which they may have been moved."""
    inside = location(folder).rstrip("/") + "/"
    if all(location(file).startswith(inside) for file in files):
        return files
    common = os.path.commonprefix(list(files))  # noqa: RUF071 (cut at a slash below; commonpath changes URLs)
    return [storage.join(folder, file[common.rfind("/") + 1 :]) for file in files]
