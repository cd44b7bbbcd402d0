"""Decompresses a file member by member, and finds the next member after damage; for gzip and zstd."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from metaclip_curate.extract.file_kinds import LONGEST_START, file_kind
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.partial_member import MEMBER_BYTES, DamagedMemberError, PartialMember
from metaclip_curate.extract.stored_bytes import Bytes, End, Piece, StoredBytes


class MemberFormat(Protocol):
    """A compression format whose files consist of members, each with a magic number.

    Attributes:
        magic: The first bytes of a member.
        pattern: The same, compiled.
        garbage: Description of bytes that belong to no member.
    """

    magic: bytes
    pattern: re.Pattern[bytes]
    garbage: str

    def skip_filler(self, stored: StoredBytes) -> bool:
        """Consumes legal bytes between members; returns whether there were any."""

    def whole_member(self, stored: StoredBytes) -> Bytes | None:
        """Decompresses the member at the position at once and consumes it; None if that can't be done."""

    def decompress(self, stored: StoredBytes, member: PartialMember) -> Iterator[Piece]:
        """Decompresses the member at the position step by step, and consumes it once its end is verified.

        Raises:
            DamagedMemberError: The member is damaged. `member` holds what came before the damage.
        """


def read_members(stored: StoredBytes, stats: InputStats, member_format: MemberFormat) -> Iterator[Piece]:
    """Decompresses member after member.

    Args:
        stored: The file, at its first byte.
        stats: Damage is recorded here.
        member_format: Format of the members.

    Yields:
        The decompressed bytes; a member of up to a few MiB is one piece.
    """
    budget = SearchBudget()
    magic, whole_member = member_format.magic, member_format.whole_member
    while stored.fill(1):
        stored.fill(len(magic))
        if not stored.starts_with(magic):
            if not member_format.skip_filler(stored):
                reason = _kind_of_garbage(stored, stats) or member_format.garbage
                _to_next_member(stored, member_format)
                if not stored.broken:
                    stats.mark_damaged(reason)
                    yield Piece(b"", End.DAMAGE)
            continue
        whole = whole_member(stored)
        if whole is not None:
            yield Piece(whole, End.MEMBER)
            continue
        member = PartialMember(stored)
        try:
            yield from member_format.decompress(stored, member)
        except DamagedMemberError as error:
            stats.mark_damaged(error.reason)
            yield member.last_piece(error)
            budget.skip(stored, member)
            _to_next_member(stored, member_format)
    if stored.broken:
        yield Piece(b"", End.BROKEN)


def _to_next_member(stored: StoredBytes, member_format: MemberFormat) -> None:
    """Consumes bytes up to the next that look like a member's start, or all."""
    while True:
        following = member_format.pattern.search(stored.buffer, stored.position)
        # The next member's first bytes may be the last ones that are read.
        kept = 0 if stored.ended else len(member_format.magic) - 1
        end = max(stored.position, len(stored.buffer) - kept)
        stored.position = following.start() if following else end
        if following or stored.ended:
            return
        stored.more()


def _kind_of_garbage(stored: StoredBytes, stats: InputStats) -> str:
    """Returns the kind of file that begins with the bytes ahead; empty if unknown, or if records were read before."""
    return "" if stats.records else file_kind(stored.window(0, LONGEST_START))


class SearchBudget:
    """Bounds the time spent on bytes that look like a member but aren't one.

    The end of a damaged member is unknown, so the search for the next one begins right after its first byte. If such
    false starts overlap, the same bytes would be decompressed again and again. Once the decompressed bytes exceed a
    multiple of the file's size, the search therefore continues after the bytes that were tried, and the total time
    stays proportional to the file's size.
    """

    FREE_BYTES = 1 << 26
    _PER_STORED_BYTE = 16
    _COST_OF_A_START = 1 << 11  # bytes that can be decompressed in the time that one start takes
    _LEAST_SKIPPED = 1 << 12

    def __init__(self) -> None:
        self._spent = 0

    def skip(self, stored: StoredBytes, member: PartialMember) -> None:
        """Consumes the first byte of a damaged member, or more if the budget is spent."""
        self._spent += member.consumed + min(member.size, MEMBER_BYTES) + self._COST_OF_A_START
        is_spent = self._spent > self.FREE_BYTES + self._PER_STORED_BYTE * stored.bytes_read
        stored.consume(max(member.consumed, self._LEAST_SKIPPED) if is_spent else 1)
