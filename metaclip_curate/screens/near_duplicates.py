"""The images of which another one with a smaller uid is a near duplicate, in pieces that tasks can search alone.

A piece has the images of which a byte of the hash has a certain value. In it those are compared of which the other
byte of the same band is equal or differs in one bit. So two hashes that differ in at most 31 bits meet in at least one
piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.extract.hex_strings import to_hex
from metaclip_curate.screens.first_neighbours import first_neighbours
from metaclip_curate.screens.hash_search import BANDS, HASH_BYTES, NONE, Bytes, Ints, band_keys

# Images with the same band that are compared with any other, so that a band that very many have, as those of nearly
# blank pictures may be, takes time in proportion to their number and not to its square.
MOST_OF_A_BAND = 1 << 14
UID_BYTES = 16
FOUND = pa.schema(
    [
        ("uid", pa.string()),
        ("other", pa.string()),  # the smallest uid within the distance; null for a row that only says capped
        ("distance", pa.int32()),
        ("capped", pa.bool_()),  # whether some images weren't compared with it in this piece
    ]
)


class Images(NamedTuple):
    """Images and their hashes.

    Attributes:
        uids: Shape (n, 16).
        hashes: Shape (n, 32).
    """

    uids: Bytes
    hashes: Bytes

    def take(self, rows: Ints) -> Images:
        """Returns some of the images."""
        return Images(self.uids[rows], self.hashes[rows])

    def to_bytes(self) -> bytes:
        """Returns the images as bytes."""
        return np.hstack([self.uids, self.hashes]).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Images:
        """Reads what `to_bytes` returns."""
        rows = np.frombuffer(data, np.uint8).reshape(-1, UID_BYTES + HASH_BYTES)
        return cls(rows[:, :UID_BYTES], rows[:, UID_BYTES:])


class Piece(NamedTuple):
    """The images of a piece that go to one task.

    Attributes:
        task: Number of the task.
        position: Number of the byte by which they belong together.
        images: The images.
    """

    task: int
    position: int
    images: Images


def near_duplicates(images: Images, distance: int, most: int = MOST_OF_A_BAND) -> pa.Table:
    """Finds the images of which another image with a smaller uid is a near duplicate, in this process.

    Args:
        images: Images with different hashes.
        distance: Largest number of bits that may differ, at most 31.
        most: Number of images with the same band that are compared with any other.

    Returns:
        Rows of FOUND, one for each such image, and one for each other image that isn't compared with all.
    """
    found = pa.concat_tables(
        [search(piece.images, piece.position, distance, most) for piece in pieces_of(images, distance, 1)]
    )
    # Of equal uids the smallest other one, with its distance.
    nearest = found.filter(pc.is_valid(found["other"])).sort_by([("uid", "ascending"), ("other", "ascending")])
    firsts = nearest.group_by("uid", use_threads=False).aggregate([("other", "first"), ("distance", "first")])
    capped = found.group_by("uid").aggregate([("capped", "max")])
    joined = capped.join(firsts, "uid").select(["uid", "other_first", "distance_first", "capped_max"])
    return joined.rename_columns(FOUND.names).cast(FOUND).sort_by("uid")


def pieces_of(images: Images, distance: int, tasks: int) -> Iterator[Piece]:
    """Yields the images that each task needs.

    Args:
        images: Images of any number.
        distance: Largest number of bits that may differ.
        tasks: Number of tasks.
    """
    for position in positions_of(distance):
        # Multiplied, so that a value that is frequent at all positions doesn't go to the same task each time.
        task = ((images.hashes[:, position].astype(np.int64) + position * 256) * 0x9E3779B1 >> 20) % tasks
        order = np.argsort(task, kind="stable")
        ends = np.cumsum(np.bincount(task, minlength=tasks))
        for number in np.flatnonzero(np.diff(ends, prepend=0)).tolist():
            start = int(ends[number - 1]) if number else 0
            yield Piece(number, position, images.take(order[start : int(ends[number])]))


def positions_of(distance: int) -> range:
    """Returns the bytes by which images are brought together: the first of each band, or both."""
    return range(HASH_BYTES) if distance >= BANDS else range(0, HASH_BYTES, 2)


def search(images: Images, position: int, distance: int, most: int = MOST_OF_A_BAND) -> pa.Table:
    """Finds the images of which an image of the same piece with a smaller uid is a near duplicate.

    Args:
        images: Images with different hashes: all those of some values of the byte at the position.
        position: Number of the byte.
        distance: Largest number of bits that may differ.
        most: Number of images with the same band that are compared with any other: those of the smallest uids.

    Returns:
        Rows of FOUND.
    """
    sorted_images = images.take(uid_order(images.uids))
    is_second = position % 2 == 1
    # Bits of the band's other byte. Bands that are equal are compared at the first byte only.
    one_bit = [1 << bit for bit in (range(8, 16) if is_second else range(8))] if distance >= BANDS else []
    masks = one_bit if is_second else [0, *one_bit]
    keys = band_keys(sorted_images.hashes, position // 2)
    found = first_neighbours(sorted_images.hashes, keys, masks, distance, most)
    rows = np.flatnonzero((found.known != NONE) | found.capped)
    uids = to_hex(np.ascontiguousarray(sorted_images.uids))
    others = pa.array(found.known[rows], mask=found.known[rows] == NONE)
    distances = pa.array(found.distance[rows].astype(np.int32), mask=found.known[rows] == NONE)
    return pa.table(
        [uids.take(pa.array(rows)), uids.take(others), distances, pa.array(found.capped[rows])], schema=FOUND
    )


def uid_order(uids: Bytes) -> npt.NDArray[np.int64]:
    """Returns the order of uids, shape (n,)."""
    halves = np.ascontiguousarray(uids).view(">u8").astype(np.uint64)
    return np.lexsort((halves[:, 1], halves[:, 0]))
