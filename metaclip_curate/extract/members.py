"""What gzip members and zstd frames have in common: they are unpacked step by step, and some are damaged or none."""

from __future__ import annotations

from collections.abc import Iterator

from metaclip_curate.extract.file_kinds import LONGEST_START, kind_of
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.stored_bytes import End, Piece, StoredBytes

# How much of a member is unpacked before its records are looked at. A larger one (a whole file in one member) is passed
# on piece by piece.
MEMBER_BYTES = 1 << 22


class DamagedMemberError(Exception):
    """A member can't be unpacked to its end.

    Args:
        reason: Why, in words.
        cut: Whether the file ends before the member does.
    """

    def __init__(self, reason: str, cut: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cut = cut


class Unpacked:
    """What the member at hand gave so far.

    Args:
        stored: The file, at the member.

    Attributes:
        size: How many bytes the member gave.
        tried: How many stored bytes, from where the file stands, the unpacker was given.
        streaming: Whether a part was passed on already. The stored bytes aren't held any more then.
    """

    def __init__(self, stored: StoredBytes) -> None:
        self.size = 0
        self.tried = 0
        self.streaming = False
        self._stored = stored
        self._held: list[bytes] = []
        self._held_bytes = 0

    def next_bytes(self, size: int) -> bytes:
        """Returns the stored bytes that come next: up to `size`, none at the end of the file."""
        if self.streaming:
            self._stored.consume(self.tried)
            self.tried = 0
        self._stored.fill(self.tried + 1)
        data = self._stored.window(self.tried, size)
        self.tried += len(data)
        return data

    def exactly(self, size: int) -> bytes:
        """Returns the `size` stored bytes that come next.

        Raises:
            DamagedMemberError: The file ends before.
        """
        if self.streaming:
            self._stored.consume(self.tried)
            self.tried = 0
        if not self._stored.fill(self.tried + size):
            raise DamagedMemberError("the file breaks off", cut=True)
        data = self._stored.window(self.tried, size)
        self.tried += size
        return data

    def add(self, data: bytes) -> Iterator[Piece]:
        """Takes in what the unpacker gave, and passes on what is held where that is much."""
        self._held.append(data)
        self._held_bytes += len(data)
        self.size += len(data)
        # Blocks may be empty: what is stored counts as well.
        if self._held_bytes > MEMBER_BYTES or self.tried > 2 * MEMBER_BYTES:
            self.streaming = True
            yield self.piece(End.NOTHING)

    def replace(self, data: bytes) -> None:
        """Holds `data` in place of what is held."""
        self.size += len(data) - self._held_bytes
        self._held, self._held_bytes = [data], len(data)

    def piece(self, end: End) -> Piece:
        """Hands out what is held."""
        data = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return Piece(data, end)

    def last_piece(self, error: DamagedMemberError) -> Piece:
        """Hands out what came before the damage."""
        if self._stored.broken:
            return self.piece(End.BROKEN)
        return self.piece(End.CUT if error.cut else End.DAMAGE)


def kind_of_rubbish(stored: StoredBytes, stats: InputStats) -> str:
    """Says what the bytes at hand are where a file begins with none of its kind; empty where they tell nothing."""
    return "" if stats.records else kind_of(stored.window(0, LONGEST_START))


class Vain:
    """Bounds the time that goes into members which turn out to be none.

    The next member is searched right behind the first byte of one that is damaged, since nobody knows where that ends.
    In bytes where one false start lies within the other, the same would be unpacked again and again. Once much has been
    unpacked in vain, the search therefore goes on behind what was tried, and the time stays in proportion to the file's
    size.
    """

    _FREE_BYTES = 1 << 26
    _PER_STORED_BYTE = 16
    _COST_OF_A_TRY = 1 << 11  # bytes that can be unpacked in the time that it takes to begin
    _LEAST_SKIPPED = 1 << 12

    def __init__(self) -> None:
        self._spent = 0

    def skip(self, stored: StoredBytes, unpacked: Unpacked) -> None:
        """Goes on behind the first byte of a member that is none, or further on."""
        self._spent += unpacked.tried + min(unpacked.size, MEMBER_BYTES) + self._COST_OF_A_TRY
        too_much = self._spent > self._FREE_BYTES + self._PER_STORED_BYTE * stored.bytes_read
        stored.consume(max(unpacked.tried, self._LEAST_SKIPPED) if too_much else 1)
