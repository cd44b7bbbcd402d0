"""Near duplicates among the images of a download, each found by the tasks whose pieces of the hashes it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.extract.hex_strings import from_hex
from metaclip_curate.schemas import ddl
from metaclip_curate.screens.hash_search import hash_bytes
from metaclip_curate.screens.near_duplicates import (
    FOUND,
    MOST_OF_A_BAND,
    UID_BYTES,
    Images,
    pieces_of,
    positions_of,
    search,
)
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions

_PACKED = "task int, position int, images binary"
# Images that a task sends on together, and about as many as one receives.
_SENT_AT_ONCE, _RECEIVED = 100_000, 1_000_000
_MOST_TASKS = 4096

Batches = Iterator[pa.RecordBatch]


def near_duplicates(images: DataFrame, number: int, distance: int, most: int = MOST_OF_A_BAND) -> DataFrame:
    """Finds the images of which another image with a smaller uid is a near duplicate.

    Only the bytes that decide are shuffled: each image 16 times, or 32 times for distances above 15.

    Args:
        images: Rows of uid and pdq, each uid and each hash once.
        number: Number of rows.
        distance: Largest number of bits that may differ.
        most: Number of images with the same band that are compared with any other.

    Returns:
        Rows of `screens.near_duplicates.FOUND`, one for each such image and for each that isn't compared with all.
    """
    tasks = min(_MOST_TASKS, 1 + number * len(positions_of(distance)) // _RECEIVED)
    packed = images.select("uid", "pdq").mapInArrow(_packer(distance, tasks), _PACKED)
    pieces = shuffle_to_partitions(packed, tasks, "task")
    found = pieces.mapInArrow(_searcher(distance, most), ddl(FOUND))
    nearest = F.min(F.when(F.col("other").isNotNull(), F.struct("other", "distance")))
    grouped = found.groupBy("uid").agg(nearest.alias("nearest"), F.max("capped").alias("capped"))
    return grouped.select("uid", "nearest.other", "nearest.distance", "capped")


def _packer(distance: int, tasks: int) -> Callable[[Batches], Batches]:
    def pack(batches: Batches) -> Batches:
        for images in _gathered(batches):
            rows = [
                (piece.task, piece.position, piece.images.to_bytes()) for piece in pieces_of(images, distance, tasks)
            ]
            columns = [list(column) for column in zip(*rows, strict=True)]
            types = (pa.int32(), pa.int32(), pa.binary())
            arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names=["task", "position", "images"])

    return pack


def _gathered(batches: Batches) -> Iterator[Images]:
    held: list[Images] = []
    for batch in batches:
        if batch.num_rows:
            held.append(Images(from_hex(batch.column(0), UID_BYTES), hash_bytes(batch.column(1))))
        if sum(len(images.uids) for images in held) >= _SENT_AT_ONCE:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(parts: list[Images]) -> Images:
    return Images(*map(np.concatenate, zip(*parts, strict=True)))


def _searcher(distance: int, most: int) -> Callable[[Batches], Batches]:
    def find(batches: Batches) -> Batches:
        parts: dict[int, list[Images]] = {}
        for batch in batches:
            for position, data in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                parts.setdefault(position, []).append(Images.from_bytes(data))
        for position in sorted(parts):
            yield from search(_joined(parts.pop(position)), position, distance, most).to_batches()

    return find
