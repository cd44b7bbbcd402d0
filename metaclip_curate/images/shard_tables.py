"""A folder with a Parquet file for each shard of a download, which is continued after an interruption."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.images.stored_images import Shard
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import open_parquet
from metaclip_curate.storage.urls import location

_STATE = b"metaclip_curate.shard"
_REMEDY = "remove it, and the same command makes it again"


class ShardTables:
    """Tables of a download's shards.

    Args:
        url: Path or URL of the folder.
        schema: Schema of the tables.
        options: Credentials and limits for the folder.

    Attributes:
        url: As given.
    """

    def __init__(self, url: str, schema: pa.Schema, options: StorageOptions) -> None:
        self.url, self._schema, self._options = url, schema, options

    def require_own(self, downloaded: str) -> None:
        """Checks that the folder is empty or has such tables.

        Args:
            downloaded: Path or URL of the download.

        Raises:
            UserError: It is the downloaded folder itself, or has other files.
        """
        if location(self.url) == location(downloaded):
            raise UserError(f"--output {self.url} is the downloaded folder, whose tables would be replaced")
        names = [name for name in storage.list_folder(self.url, self._options) if not name.startswith(("_", "."))]
        ours = [name for name in names if name.endswith(".parquet")]
        if len(ours) != len(names) or (ours and not self._state(ours[0])):
            raise UserError(f"--output {self.url} has files of something else: name another folder")

    def missing(self, shards: Sequence[Shard]) -> list[Shard]:
        """Returns the shards that have no table, or were different when it was made."""
        present = set(storage.list_parquet(self.url, self._options))
        return [
            shard
            for shard in shards
            if f"{shard.name}.parquet" not in present or self._state(f"{shard.name}.parquet") != shard.state
        ]

    def write(self, shard: Shard, table: pa.Table) -> None:
        """Writes a shard's table, which appears whole or not at all."""
        out = io.BytesIO()
        named = table.cast(self._schema).replace_schema_metadata({_STATE: shard.state.encode()})
        pq.write_table(named, out, compression="zstd", write_page_checksum=True)
        storage.write_bytes(storage.join(self.url, f"{shard.name}.parquet"), out.getvalue(), self._options)

    def read(self, shard: Shard, remedy: str = _REMEDY) -> pa.Table:
        """Reads a shard's table.

        Args:
            shard: The shard.
            remedy: What the message about a table that can't be used says to do.

        Raises:
            UserError: It is missing or damaged, was made of other files of the shard, or has other columns.
        """
        url = storage.join(self.url, f"{shard.name}.parquet")
        with open_parquet(url, self._options, remedy) as file:
            metadata = file.schema_arrow.metadata or {}
            if file.schema_arrow.names != self._schema.names:
                raise UserError(f"{url} has other columns: {remedy}")
            if metadata.get(_STATE) != shard.state.encode():
                raise UserError(f"{url} is older than {shard.url('parquet')}: {remedy}")
            return file.read().cast(self._schema)

    def _state(self, name: str) -> str:
        with open_parquet(storage.join(self.url, name), self._options, _REMEDY, ()) as file:
            return str((file.schema_arrow.metadata or {}).get(_STATE, b"").decode("utf-8", "replace"))
