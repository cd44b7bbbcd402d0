"""Boxes of faces, or of anything else that is to be blurred, beside a manifest's rows, as img2dataset reads them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_table, open_parquet

BOXES = "blurred_boxes"
_SIDES = 4
_SCHEMA = pa.schema([("uid", pa.string()), ("boxes", pa.list_(pa.list_(pa.float64())))])
_FORM = "write a row for each pair, with uid and boxes, a list of [left, top, right, bottom] as shares from 0 to 1"


def faces_digest(url: str, options: StorageOptions) -> str:
    """Returns the SHA-256 of a table of boxes.

    Raises:
        UserError: It is missing.
    """
    try:
        return hashlib.sha256(storage.read_bytes(url, options)).hexdigest()
    except FileNotFoundError as error:
        raise UserError(f"--faces {url} is missing: {_FORM}") from error


def read_faces(url: str, options: StorageOptions) -> pa.Table:
    """Reads a table of boxes.

    Args:
        url: Path or URL of a Parquet file with the columns uid and boxes.
        options: Credentials and limits for reading it.

    Raises:
        UserError: It can't be read, lacks a column, names a uid twice, or has a box that isn't one.
    """
    with open_parquet(url, options, _FORM) as file:
        for name in _SCHEMA.names:
            if name not in file.schema_arrow.names:
                raise UserError(f"--faces {url} has no column {name}: {_FORM}")
        table = cast_table(file.read(_SCHEMA.names), _SCHEMA, url).combine_chunks()
    repeated = table.group_by("uid").aggregate([([], "count_all")]).filter(pc.field("count_all") > 1)
    if repeated.num_rows:
        raise UserError(f"--faces {url} has the uid {repeated['uid'][0]} in several rows: {_FORM}")
    for uid, boxes in zip(table["uid"].to_pylist(), table["boxes"].to_pylist(), strict=True):
        for box in boxes or []:
            if not _is_box(box):
                raise UserError(f"--faces {url} has the box {box} of {uid}: {_FORM}")
    return table


def write_with_faces(manifest: Sequence[str], faces: pa.Table, folder: str, options: StorageOptions) -> int:
    """Writes the files of a manifest with the boxes of each pair.

    Args:
        manifest: Paths or URLs of the manifest's files.
        faces: Table from `read_faces`.
        folder: Path or URL of the folder to write.
        options: Credentials and limits for the files.

    Returns:
        Number of pairs with a box.
    """
    pairs, none = 0, pa.array([[]], _SCHEMA.field("boxes").type)
    # One more row, without boxes, for the pairs that aren't in the table.
    boxes = pa.concat_arrays([pc.coalesce(faces["boxes"].combine_chunks(), none[0]), none])
    for url in manifest:
        with open_parquet(url, options, "restore it from a copy") as file:
            rows = file.read()
        found = pc.index_in(rows["uid"], value_set=faces["uid"]).combine_chunks()
        of_rows = boxes.take(pc.fill_null(found, len(boxes) - 1))
        pairs += int(np.count_nonzero(pc.list_value_length(of_rows).to_numpy(zero_copy_only=False)))
        out = io.BytesIO()
        pq.write_table(rows.append_column(BOXES, of_rows), out, compression="zstd")
        storage.write_bytes(storage.join(folder, url.rsplit("/", 1)[-1]), out.getvalue(), options)
    return pairs


def _is_box(box: list[float] | None) -> bool:
    if box is None or len(box) != _SIDES or any(side is None or not 0 <= side <= 1 for side in box):
        return False
    left, top, right, bottom = box
    return left < right and top < bottom
