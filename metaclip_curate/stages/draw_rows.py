"""The draw of a batch of matched pairs, and the keys that select one text of each image. Without Spark."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate import balance
from metaclip_curate.schemas import MANIFEST

# Rows of the manifest, and the key that gives their random order.
ORDERED = MANIFEST.append(pa.field("order_key", pa.int64()))


def kept_rows(batch: pa.RecordBatch, probabilities: balance.Floats, seed: int) -> pa.RecordBatch:
    """Draws from a batch.

    Args:
        batch: Rows of `schemas.MATCHED`.
        probabilities: Keep probability of each row, shape (n,).
        seed: Seed of the draws.

    Returns:
        The kept rows, with the schema `ORDERED`.
    """
    drawn = balance.draws(batch.column("uid"), seed)
    keep = drawn < probabilities
    kept = batch.filter(pa.array(keep))
    order = (balance.order_keys(kept.column("uid"), seed) >> np.uint64(1)).astype(np.int64)
    added = [pa.array(probabilities[keep]), pa.array(drawn[keep]), pa.array(order)]
    names = [*batch.schema.names, "keep_probability", "draw", "order_key"]
    return pa.RecordBatch.from_arrays([*kept.columns, *added], names=names)


def with_selection_key(batch: pa.RecordBatch, seed: int) -> pa.RecordBatch:
    """Appends the column `selection`, whose smallest value decides which text of an image draws.

    Args:
        batch: Rows with uid and any other columns.
        seed: Seed of the draws.
    """
    keys = balance.selection_keys(batch.column(batch.schema.get_field_index("uid")), seed)
    schema = batch.schema.append(pa.field("selection", pa.int64()))
    return pa.RecordBatch.from_arrays([*batch.columns, pa.array(signed(keys))], schema=schema)


def signed(keys: balance.Words) -> npt.NDArray[np.int64]:
    """Returns unsigned keys as signed ones, which Spark has, in the same order."""
    return (keys ^ np.uint64(1 << 63)).view(np.int64)
