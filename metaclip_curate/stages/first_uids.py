"""Which row of each uid stays, decided by NumPy: of equal uids the one that comes first in the order of all inputs.

What decides travels alone: the uid's 16 bytes, the rank of the row's file in the order of (crawl, source_file), and the
number of the row in its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate.extract.hex_strings import from_hex
from metaclip_curate.extract.pair_columns import UID_BYTES

Unsigned = npt.NDArray[np.uint64]

_ROW_BITS = np.uint64(32)
_ROW_MASK = np.uint64(0xFFFFFFFF)
_ROW_BYTES = 24
_LAST = np.uint64(2**64 - 1)


class UidRows(NamedTuple):
    """Uids and where they stand. All arrays have the shape (n,).

    Attributes:
        high: The first 8 bytes of each uid, as a big-endian number.
        low: The last 8 bytes.
        position: Rank of the row's file times 2^32, plus the row's number; rows are ordered by it.
    """

    high: Unsigned
    low: Unsigned
    position: Unsigned

    def take(self, indices: npt.NDArray[np.int64] | slice) -> UidRows:
        """Returns some of the rows."""
        return UidRows(*(column[indices] for column in self))

    def to_bytes(self) -> bytes:
        """Returns the rows as bytes, column by column: ranks and rows then compress well, unlike uids."""
        ranks, rows = (self.position >> _ROW_BITS).astype("<u4"), (self.position & _ROW_MASK).astype("<u4")
        return b"".join((self.high.tobytes(), self.low.tobytes(), ranks.tobytes(), rows.tobytes()))

    @classmethod
    def from_bytes(cls, data: bytes) -> UidRows:
        """Reads what `to_bytes` returns."""
        size = len(data) // _ROW_BYTES
        high, low = np.frombuffer(data, "<u8", size), np.frombuffer(data, "<u8", size, 8 * size)
        ranks, rows = (np.frombuffer(data, "<u4", size, offset * size) for offset in (16, 20))
        return cls(high, low, positions(ranks, rows))


def positions(ranks: npt.ArrayLike, rows: npt.ArrayLike) -> Unsigned:
    """Returns positions, which are ordered by rank and then by row."""
    return (np.asarray(ranks, np.uint64) << _ROW_BITS) | np.asarray(rows, np.uint64)


def rows_of_file(sorted_positions: Unsigned, rank: int) -> npt.NDArray[np.int64]:
    """Returns the numbers of a file's rows among positions, ascending."""
    start, end = np.searchsorted(sorted_positions, [np.uint64(rank << 32), np.uint64((rank + 1) << 32)])
    return (sorted_positions[start:end] & _ROW_MASK).astype(np.int64)


def ranks_of(some_positions: Unsigned) -> Unsigned:
    """Returns the rank of each position's file."""
    return some_positions >> _ROW_BITS


def split_uids(uids: pa.Array) -> tuple[Unsigned, Unsigned]:
    """Returns both halves of uids.

    Args:
        uids: n uids of 32 hex digits.
    """
    halves = from_hex(uids, UID_BYTES).view(">u8").astype("<u8")
    return np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])


def concatenated(pieces: Sequence[UidRows]) -> UidRows:
    """Returns the rows of several pieces."""
    empty = np.empty(0, np.uint64)
    return UidRows(*map(np.concatenate, zip(*pieces, strict=True))) if pieces else UidRows(empty, empty, empty)


class Firsts(NamedTuple):
    """What was decided about the uids of a task.

    Attributes:
        positions: Positions of the rows that stay and aren't known, ascending.
        superseding: Number of uids of which a new row precedes the known one.
    """

    positions: Unsigned
    superseding: int


def first_rows(new: UidRows, known: UidRows) -> Firsts:
    """Finds the first row of each uid.

    Args:
        new: New rows.
        known: Rows of uids that were kept before, in other files than the new ones.
    """
    rows = concatenated([new, known])
    if not len(new.high):
        return Firsts(np.empty(0, np.uint64), 0)
    order, starts = _grouped(rows.high, rows.low)
    firsts = np.minimum.reduceat(rows.position[order], starts)
    if not len(known.high):
        return Firsts(np.sort(firsts), 0)
    of_known = np.concatenate([np.full(len(new.high), _LAST), known.position])
    known_firsts = np.minimum.reduceat(of_known[order], starts)
    is_new = known_firsts == _LAST
    superseding = np.count_nonzero(~is_new & (firsts < known_firsts))
    return Firsts(np.sort(firsts[is_new]), int(superseding))


def _grouped(high: Unsigned, low: Unsigned) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns an order in which equal uids are neighbours, and where each uid starts in it."""
    order = np.argsort(high)
    changes = _changes(high[order])
    other_low = _changes(low[order])
    if np.any(other_low & ~changes):
        # Different uids with an equal first half, of which 36 billion have some dozens.
        order = np.lexsort((low, high))
        changes, other_low = _changes(high[order]), _changes(low[order])
    starts = np.flatnonzero(np.concatenate([[True], changes | other_low]))
    return order, starts


def _changes(values: Unsigned) -> npt.NDArray[np.bool_]:
    return np.not_equal(values[1:], values[:-1])


def split_by(part: npt.NDArray[np.int64], parts: int) -> tuple[npt.NDArray[np.int64], list[tuple[int, slice]]]:
    """Groups rows by a number.

    Args:
        part: Number of each row from 0 to parts - 1, shape (n,).
        parts: How many numbers there are.

    Returns:
        An order of the rows that keeps the order inside a group, and for each group that has rows its number and the
        slice of the order.
    """
    small = part.astype(np.uint16 if parts <= 1 << 16 else np.uint32)  # 16 bits are sorted by radix
    order = np.argsort(small, kind="stable")
    ends = np.cumsum(np.bincount(part, minlength=parts))
    return order, list(_slices(ends))


def _slices(ends: Iterable[int]) -> Iterator[tuple[int, slice]]:
    start = 0
    for number, end in enumerate(ends):
        if end > start:
            yield number, slice(start, int(end))
        start = int(end)
