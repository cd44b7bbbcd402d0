"""The pairs of a manifest that a removal found, kept in the run folder until the removal has ended."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.screens.removed import DECIDING, RemovedScreen
from metaclip_curate.stages.shared.parquet_reading import open_table_file
from metaclip_curate.storage.parquet_bytes import read_parquet
from metaclip_curate.storage.run_folders import LISTS

MANIFEST = "manifest"
# Pairs of the manifest that a removal found, kept until it has ended.
HITS = pa.schema(
    [
        pa.field("uid", pa.string()),
        pa.field("image_id", pa.string()),
        pa.field("metadata_lang", pa.string()),
        pa.field("entry_ids", pa.list_(pa.int32())),
        pa.field("file", pa.string()),
        pa.field("last_of_image", pa.bool_()),  # whether no other pair of the image and language stays
    ]
)
_FILE = "removal.parquet"


class RemovalHits:
    """The pairs that a removal found.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def find(self, screen: RemovedScreen) -> pa.Table:
        """Returns the manifest's pairs that a screen rejects, as rows of HITS."""
        found = [HITS.empty_table().drop_columns(["last_of_image"])]
        columns = [*DECIDING, "metadata_lang", "entry_ids"]
        for file in self._manifest_files():
            with open_table_file(manifest_url(self._folder, file), self._folder.options, columns=columns) as parquet:
                for batch in parquet.iter_batches(columns=columns):
                    rejected = pa.Table.from_batches([batch.filter(pa.array(screen.rejects_rows(batch)))])
                    named = rejected.append_column("file", pa.repeat(file, rejected.num_rows))
                    found.append(named.select(found[0].column_names).cast(found[0].schema))
        hits = pa.concat_tables(found)
        return hits.append_column("last_of_image", self._are_last(hits, screen))

    def _are_last(self, hits: pa.Table, screen: RemovedScreen) -> pa.Array:
        """Returns for each pair whether it is the first of an image, and no pair of the image and language stays."""
        stay: set[tuple[str, str]] = set()
        images = pc.unique(hits.column("image_id")).cast(pa.string())
        columns = [*DECIDING, "metadata_lang"]
        if hits.num_rows:
            for file in self._manifest_files():
                with open_table_file(
                    manifest_url(self._folder, file), self._folder.options, columns=columns
                ) as parquet:
                    for batch in parquet.iter_batches(columns=columns):
                        others = pc.is_in(batch.column("image_id"), value_set=images)
                        rows = batch.filter(pc.and_(others, pa.array(~screen.rejects_rows(batch))))
                        stay |= set(zip(*columns_of(rows, "metadata_lang", "image_id"), strict=True))
        last = []
        for image in zip(*columns_of(hits, "metadata_lang", "image_id"), strict=True):
            last.append(image not in stay)
            stay.add(image)  # so that an image counts once
        return pa.array(last, pa.bool_())

    def _manifest_files(self) -> list[str]:
        listed = self._folder.file_list("sample", verified=False)
        return [file.name for file in listed.tables[MANIFEST]] if listed else []

    def write(self, hits: pa.Table) -> None:
        """Keeps what was found until the removal has ended."""
        sink = io.BytesIO()
        pq.write_table(hits, sink, compression="zstd")
        self._folder.require_owner()
        storage.write_bytes(self._url(), sink.getvalue(), self._folder.options)

    def read(self) -> pa.Table:
        """Returns what was kept, as rows of HITS."""
        return read_parquet(storage.read_bytes(self._url(), self._folder.options))

    def remove(self) -> None:
        """Deletes what was kept."""
        storage.delete_file(self._url(), self._folder.options)

    def _url(self) -> str:
        return storage.join(self._folder.root, LISTS, _FILE)


def manifest_url(folder: RunFolder, file: str) -> str:
    """Returns the path or URL of one of the manifest's files."""
    return storage.join(folder.table(MANIFEST), file)


def columns_of(rows: Any, *columns: str) -> list[list[str]]:
    """Returns columns of strings as lists."""
    return [rows.column(name).to_pylist() for name in columns]
