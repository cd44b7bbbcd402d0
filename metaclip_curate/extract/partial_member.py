"""A gzip member or zstd frame that is decompressed step by step, and may turn out to be damaged."""

from __future__ import annotations

from collections.abc import Iterator

from metaclip_curate.extract.stored_bytes import End, Piece, StoredBytes

# A member is decompressed up to this size before its records are cut. A larger one, such as a whole file in one member,
# is passed on piece by piece.
MEMBER_BYTES = 1 << 22


class DamagedMemberError(Exception):
    """A member can't be decompressed to its end.

    Attributes:
        reason: The cause, as a clause.
        cut: Whether the file ends before the member does.
    """

    def __init__(self, reason: str, cut: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cut = cut


class PartialMember:
    """The part of a member that is decompressed so far.

    Args:
        stored: The file, with its position at the member's first byte.

    Attributes:
        size: Number of decompressed bytes.
        consumed: Number of stored bytes, from the file's position, that the decompressor was given.
        streaming: Whether a piece was passed on already. Then the stored bytes before it aren't held any more.
    """

    def __init__(self, stored: StoredBytes) -> None:
        self.size = 0
        self.consumed = 0
        self.streaming = False
        self._stored = stored
        self._held: list[bytes] = []
        self._held_bytes = 0

    def next_bytes(self, size: int) -> bytes:
        """Returns the next stored bytes, up to `size`, none only at the end of the file."""
        self._forget_streamed()
        self._stored.fill(self.consumed + 1)
        return self._take(size)

    def exactly(self, size: int) -> bytes:
        """Returns the next `size` stored bytes.

        Raises:
            DamagedMemberError: The file ends before.
        """
        self._forget_streamed()
        if not self._stored.fill(self.consumed + size):
            raise DamagedMemberError("the file breaks off", cut=True)
        return self._take(size)

    def add(self, data: bytes) -> Iterator[Piece]:
        """Holds decompressed bytes, and passes on what is held if it is much."""
        self._held.append(data)
        self._held_bytes += len(data)
        self.size += len(data)
        # Since blocks may be empty, stored bytes count as well.
        if self._held_bytes > MEMBER_BYTES or self.consumed > 2 * MEMBER_BYTES:
            self.streaming = True
            yield self.piece(End.NOTHING)

    def replace(self, data: bytes) -> None:
        """Replaces the held bytes by `data`."""
        self.size += len(data) - self._held_bytes
        self._held, self._held_bytes = [data], len(data)

    def piece(self, end: End) -> Piece:
        """Passes on the held bytes."""
        data = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return Piece(data, end)

    def last_piece(self, error: DamagedMemberError) -> Piece:
        """Passes on the bytes before the damage."""
        if self._stored.broken:
            return self.piece(End.BROKEN)
        return self.piece(End.CUT if error.cut else End.DAMAGE)

    def _forget_streamed(self) -> None:
        if self.streaming:
            self._stored.consume(self.consumed)
            self.consumed = 0

    def _take(self, size: int) -> bytes:
        data = self._stored.window(self.consumed, size)
        self.consumed += len(data)
        return data
