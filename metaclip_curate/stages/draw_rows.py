"""The draw of a batch of matched pairs, and the keys that select one text of each image. Without Spark."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate import balance
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import MANIFEST
from metaclip_curate.stages.shared.sorted_batches import first_of_each_run

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


def drawing_rows(matched: pa.Table, draw: DrawOptions) -> list[pa.RecordBatch]:
    """Returns the texts that draw: all, or of each image the one with the smallest selection key.

    Args:
        matched: Rows with image_id, uid and any other columns.
        draw: Seed and number of texts per image.
    """
    if draw.texts_per_image == "all":
        return list(matched.to_batches())
    keyed = pa.Table.from_batches(
        [with_selection_key(batch, draw.seed) for batch in matched.to_batches()],
        matched.schema.append(pa.field("selection", pa.int64())),
    )
    ordered = keyed.sort_by([(name, "ascending") for name in ("image_id", "selection", "uid")])
    return list(first_of_each_run(iter(ordered.drop_columns("selection").to_batches()), ["image_id"]))


def signed(keys: balance.Words) -> npt.NDArray[np.int64]:
    """Returns unsigned keys as signed ones, which Spark has, in the same order."""
    return (keys ^ np.uint64(1 << 63)).view(np.int64)
