"""The table `removed`: what was taken down from a run, when, and why.

It isn't the result of a stage. Each use of `metaclip-curate remove` adds a file, which counts once run.json names it.
"""

from __future__ import annotations

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import RemovedFile
from metaclip_curate.schemas import REMOVED
from metaclip_curate.screens.removed import Removal
from metaclip_curate.storage.parquet_bytes import read_parquet


def read_removed(folder: RunFolder) -> pa.Table:
    """Reads the table.

    Returns:
        Rows of `schemas.REMOVED`, those that were added first at the beginning.

    Raises:
        UserError: A file is missing or isn't what was written.
    """
    tables = [read_parquet(_content(folder, file)) for file in folder.removed_files]
    return pa.concat_tables([REMOVED.empty_table(), *tables])


def removals(folder: RunFolder) -> tuple[Removal, ...]:
    """Returns what was taken down, as the screen takes it."""
    rows = read_removed(folder)
    kinds, values = (rows.column(name).to_pylist() for name in ("kind", "value"))
    return tuple(dict.fromkeys(map(Removal, kinds, values)))


def write_removed(folder: RunFolder, rows: pa.Table) -> RemovedFile:
    """Writes another file of the table, which run.json doesn't name yet.

    Args:
        folder: The run folder, which this process owns.
        rows: Rows of `schemas.REMOVED`.

    Raises:
        UserError: A file of the user's has its name, or that of the table's folder.
    """
    name = f"part-{len(folder.removed_files):05d}.parquet"
    folder.begin_removed_file(name)
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    data = sink.getvalue()
    folder.require_owner()
    storage.write_bytes(_url(folder, name), data, folder.options)
    return RemovedFile(name, rows.num_rows, hashlib.sha256(data).hexdigest())


def _content(folder: RunFolder, file: RemovedFile) -> bytes:
    url = _url(folder, file.name)
    try:
        data = storage.read_bytes(url, folder.options)
    except FileNotFoundError:
        raise UserError(f"{url} is missing: put it back, so that what was removed stays removed") from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise UserError(f"{url} was changed after it was written: put the old file back")
    return data


def _url(folder: RunFolder, name: str) -> str:
    return storage.join(folder.table(folder_names.REMOVED), name)
