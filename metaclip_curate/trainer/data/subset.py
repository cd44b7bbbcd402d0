"""The pairs of one manifest among those of another's download, as needed after rebalancing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.balance import Words, uid_words
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_table, open_parquet

_UIDS = pa.schema([("uid", pa.string())])


def read_uids(manifest: str, options: StorageOptions | None = None) -> Words:
    """Reads the uids of a manifest, which take 16 bytes of memory each.

    Args:
        manifest: The folder of its Parquet files.
        options: Credentials and limits for reading the folder.

    Returns:
        Shape (uids, 2), sorted.

    Raises:
        UserError: The manifest has no pairs.
    """
    options = options or StorageOptions()
    names = storage.list_parquet(manifest, options)
    tables = [read_parquet(storage.join(manifest, name), ["uid"], options) for name in names]
    columns = [cast_table(table, _UIDS, manifest)["uid"].drop_null() for table in tables]
    words = [uid_words(column.combine_chunks()) for column in columns if len(column)]
    if not words:
        raise UserError(f"{manifest} has no pairs: name the manifest of a run")
    uids = np.concatenate(words)
    return np.ascontiguousarray(uids[np.lexsort((uids[:, 1], uids[:, 0]))])


def is_among(uids: pa.Array, only: Words) -> npt.NDArray[np.bool_]:
    """Returns for each uid whether a sorted list from `read_uids` has it, shape (uids,)."""
    words = uid_words(uids)
    first = np.searchsorted(only[:, 0], words[:, 0])
    found = np.zeros(len(words), dtype=bool)
    # Two uids with the same first half are adjacent; three of them don't occur among 2^64.
    for row in (first, first + 1):
        found |= (only[np.minimum(row, len(only) - 1)] == words).all(axis=1)
    return found


def read_parquet(url: str, columns: Sequence[str], options: StorageOptions) -> pa.Table:
    """Reads columns of a Parquet file in any store."""
    with open_parquet(url, options, "restore it from a copy, or make the table again") as file:
        return file.read(list(columns))
