"""The blocks of a .bz2 file that begin after an offset, each decompressed on its own.

A bzip2 file is a sequence of streams, each of which is `BZh` with a digit, then blocks, then an end mark. A block
begins, at any bit, with the 48 bits 0x314159265359 and the CRC of its contents; the end mark is 0x177245385090 with a
CRC of the block CRCs. There is no standard of J. Seward's format, but J. Tsai described it in "BZIP2: Format
Specification". Blocks are independent: between a header and an end mark with the right CRC, each is a whole stream,
which the standard library decompresses and verifies. A file of any number of streams can therefore be read from any
offset, without an index.

Spark's text reader splits .bz2 files as well, and was exact on the same files. It isn't used, because it only reads
what Hadoop can reach, a damaged block ends the job, and a page without an end becomes a row of any size.

The 48 bits arise by chance about once in 2^48 bits of compressed data. If a block can't be decompressed up to the next
mark, the marks after it are tried before the block counts as damaged.
"""

from __future__ import annotations

import bz2
import io
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK_MARK = 0x314159265359
END_MARK = 0x177245385090
_MARK_BITS = 48
_CRC_BITS = 32
_PIECE = 1 << 20
# A block holds at most 900,000 bytes, to which bzip2 adds at most 1 % and 600 bytes.
_LONGEST_BLOCK_BITS = 8 * 920_000


@dataclass(frozen=True)
class Block:
    """A block of a file.

    Attributes:
        position: Offset of the byte in which it begins.
        data: Decompressed bytes; None if the block is damaged or cut off.
    """

    position: int
    data: bytes | None


@dataclass(frozen=True)
class _Mark:
    bit: int  # from the start of the file
    is_block: bool


def read_blocks(stream: io.BufferedIOBase, start: int) -> Iterator[Block]:
    """Yields the blocks that begin at or after an offset, to the end of the file.

    Args:
        stream: Bytes of the file from `start` on.
        start: The offset, bytes.
    """
    window = _Window(stream, start)
    skip_to = 0
    for mark in window.marks():
        if mark.bit < skip_to or not mark.is_block:
            continue
        window.keep_from(mark.bit)
        data, skip_to = _unpack(window, mark)
        yield Block(mark.bit // 8, data)


def ends_whole(tail: bytes) -> bool:
    """Returns whether a bzip2 file is complete: its last bytes (at least 11) are an end mark, a CRC and padding."""
    number = int.from_bytes(tail)
    return any(
        number >> (padding + _CRC_BITS) & ((1 << _MARK_BITS) - 1) == END_MARK
        for padding in range(8)
        if 8 * len(tail) >= padding + _CRC_BITS + _MARK_BITS
    )


def _unpack(window: _Window, mark: _Mark) -> tuple[bytes | None, int]:
    """Decompresses a block, and returns the bit at which it ends, or 0 if that isn't known."""
    for end in window.ends_after(mark.bit):
        if end - mark.bit > _LONGEST_BLOCK_BITS:
            break
        try:
            return bz2.decompress(_alone(window.bits(mark.bit, end), end - mark.bit)), end
        except (OSError, ValueError):
            continue
    return None, 0


def _alone(block: int, bits: int) -> bytes:
    """Makes a stream of one block, whose combined CRC is that of the block."""
    crc = block >> max(0, bits - _MARK_BITS - _CRC_BITS) & ((1 << _CRC_BITS) - 1)
    number = (block << _MARK_BITS | END_MARK) << _CRC_BITS | crc
    total = bits + _MARK_BITS + _CRC_BITS
    padding = -total % 8
    return b"BZh9" + (number << padding).to_bytes((total + padding) // 8)


class _Window:
    """The part of a file that is in memory, with the marks in it."""

    def __init__(self, stream: io.BufferedIOBase, start: int) -> None:
        self._stream = stream
        self._data = b""
        self._start = start  # offset of the first byte in memory
        self._marks: list[_Mark] = []  # those at or after the first byte in memory
        self._ended = False

    def marks(self) -> Iterator[_Mark]:
        """Yields all marks in order."""
        last = -1
        while True:
            following = next((mark for mark in self._marks if mark.bit > last), None)
            if following is not None:
                last = following.bit
                yield following
            elif not self._read_more():
                return

    def ends_after(self, bit: int) -> Iterator[int]:
        """Yields the bits at which a block that begins at `bit` may end: those of the later marks."""
        last = bit
        while True:
            following = next((mark for mark in self._marks if mark.bit > last), None)
            if following is not None:
                last = following.bit
                yield last
            elif 8 * (self._start + len(self._data)) - bit > 2 * _LONGEST_BLOCK_BITS or not self._read_more():
                return

    def keep_from(self, bit: int) -> None:
        """Drops the bytes and marks before a bit."""
        drop = bit // 8 - self._start
        if drop > 0:
            self._data, self._start = self._data[drop:], self._start + drop
            self._marks = [mark for mark in self._marks if mark.bit >= bit]

    def bits(self, first: int, end: int) -> int:
        """Returns the bits from `first` to before `end` as a number."""
        data = self._data[first // 8 - self._start : (end + 7) // 8 - self._start]
        return int.from_bytes(data) >> (-end % 8) & ((1 << (end - first)) - 1)

    def _read_more(self) -> bool:
        if self._ended:
            return False
        piece = self._stream.read(_PIECE)
        self._ended = not piece
        known = self._marks[-1].bit if self._marks else -1
        # A mark may begin in the last 6 bytes in memory and end in the next piece.
        searched = max(0, len(self._data) - 6)
        self._data += piece
        found = [mark for mark in _find_marks(self._data, searched, 8 * self._start) if mark.bit > known]
        self._marks += found
        if not self._marks:  # no mark begins in these bytes, except perhaps in the last ones
            keep = min(6, len(self._data))
            self._start += len(self._data) - keep
            self._data = self._data[len(self._data) - keep :]
        return not self._ended


def _find_marks(data: bytes, searched: int, first_bit: int) -> list[_Mark]:
    marks = [
        _Mark(first_bit + bit, value == BLOCK_MARK)
        for value in (BLOCK_MARK, END_MARK)
        for shift in range(8)
        for bit in _find_value(data, searched, value, shift)
    ]
    return sorted(marks, key=lambda mark: mark.bit)


def _find_value(data: bytes, searched: int, value: int, shift: int) -> Iterator[int]:
    """Yields the bits congruent to `shift` modulo 8 at which a 48-bit value begins, by searching its 5 whole bytes."""
    whole = (value >> shift & ((1 << 40) - 1)).to_bytes(5)
    at = data.find(whole, searched + 1)
    while at >= 1 and (shift == 0 or at + 5 < len(data)):
        first = data[at - 1] & (0xFF >> shift)
        last = data[at + 5] >> (8 - shift) if shift else 0
        if first == value >> (40 + shift) and last == value & ((1 << shift) - 1):
            yield 8 * (at - 1) + shift
        at = data.find(whole, at + 1)
