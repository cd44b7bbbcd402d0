"""The blocks of a .bz2 file that begin in a range of bytes, each unpacked alone.

A bzip2 file is a row of streams, each `BZh` and a digit, then blocks, then an end mark. A block begins, at any bit,
with the 48 bits 0x314159265359 and the CRC of its contents; the end mark is 0x177245385090 and a CRC of the block CRCs
(J. Seward's format; it has no standard, J. Tsai described it, "BZIP2: Format Specification"). A block depends on no
other: put between a header and an end mark with the right CRC it is a whole stream, which the plain library unpacks and
checks. So a file of any number of streams can be read from anywhere, one task a range, and needs no index.

Spark's text reader splits .bz2 files too, and was exact on the same files. It isn't used: it reads only what Hadoop
reaches, one damaged block ends the job, and a page without end becomes one row of any size.

48 bits arise by chance about once in 2^48 bits of compressed data. A block that doesn't unpack up to the next mark is
therefore tried up to the marks after it, before it counts as damaged.
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
# A block holds at most 900,000 bytes, which bzip2 makes at most 1 % and 600 bytes longer.
_LONGEST_BLOCK_BITS = 8 * 920_000


@dataclass(frozen=True)
class Block:
    """A block.

    Attributes:
        position: The byte of the file in which it begins.
        data: Its unpacked bytes; None when it is damaged or cut off.
    """

    position: int
    data: bytes | None


@dataclass(frozen=True)
class _Mark:
    bit: int  # from the start of the file
    is_block: bool


def read_blocks(stream: io.BufferedIOBase, start: int) -> Iterator[Block]:
    """Yields the blocks from a byte on; the caller stops where it has enough.

    Args:
        stream: The file's bytes from `start` on.
        start: A position in the file, in bytes. A block that began before it isn't among them.
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
    """Whether a bzip2 file is complete, judged by its last bytes (11 are enough): an end mark, a CRC, padding."""
    number = int.from_bytes(tail)
    return any(
        number >> (padding + _CRC_BITS) & ((1 << _MARK_BITS) - 1) == END_MARK
        for padding in range(8)
        if 8 * len(tail) >= padding + _CRC_BITS + _MARK_BITS
    )


def _unpack(window: _Window, mark: _Mark) -> tuple[bytes | None, int]:
    """A block's bytes, and the bit at which it ends (0 when that isn't known)."""
    for end in window.ends_after(mark.bit):
        if end - mark.bit > _LONGEST_BLOCK_BITS:
            break
        try:
            return bz2.decompress(_alone(window.bits(mark.bit, end), end - mark.bit)), end
        except (OSError, ValueError):
            continue
    return None, 0


def _alone(block: int, bits: int) -> bytes:
    """A stream of one block, whose combined CRC is the block's own."""
    crc = block >> max(0, bits - _MARK_BITS - _CRC_BITS) & ((1 << _CRC_BITS) - 1)
    number = (block << _MARK_BITS | END_MARK) << _CRC_BITS | crc
    total = bits + _MARK_BITS + _CRC_BITS
    padding = -total % 8
    return b"BZh9" + (number << padding).to_bytes((total + padding) // 8)


class _Window:
    """The part of a file that is in memory, and the marks found in it."""

    def __init__(self, stream: io.BufferedIOBase, start: int) -> None:
        self._stream = stream
        self._data = b""
        self._start = start  # the position of the first byte in memory
        self._marks: list[_Mark] = []  # found and at or after the first byte in memory
        self._ended = False

    def marks(self) -> Iterator[_Mark]:
        """All marks in order."""
        last = -1
        while True:
            following = next((mark for mark in self._marks if mark.bit > last), None)
            if following is not None:
                last = following.bit
                yield following
            elif not self._read_more():
                return

    def ends_after(self, bit: int) -> Iterator[int]:
        """The bits at which a block that begins at `bit` may end: at a later mark."""
        last = bit
        while True:
            following = next((mark for mark in self._marks if mark.bit > last), None)
            if following is not None:
                last = following.bit
                yield last
            elif 8 * (self._start + len(self._data)) - bit > 2 * _LONGEST_BLOCK_BITS or not self._read_more():
                return

    def keep_from(self, bit: int) -> None:
        """Forgets what lies before."""
        drop = bit // 8 - self._start
        if drop > 0:
            self._data, self._start = self._data[drop:], self._start + drop
            self._marks = [mark for mark in self._marks if mark.bit >= bit]

    def bits(self, first: int, end: int) -> int:
        """The bits from `first` to before `end` as a number."""
        data = self._data[first // 8 - self._start : (end + 7) // 8 - self._start]
        return int.from_bytes(data) >> (-end % 8) & ((1 << (end - first)) - 1)

    def _read_more(self) -> bool:
        if self._ended:
            return False
        piece = self._stream.read(_PIECE)
        self._ended = not piece
        known = self._marks[-1].bit if self._marks else -1
        # A mark may begin in the last 6 bytes that are in memory and end in what comes.
        searched = max(0, len(self._data) - 6)
        self._data += piece
        found = [mark for mark in _find_marks(self._data, searched, 8 * self._start) if mark.bit > known]
        self._marks += found
        if not self._marks:  # nothing begins in these bytes, but perhaps in the last ones
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
    """The bits, all of them `shift` modulo 8, at which 48 bits stand: the 5 whole bytes among them are searched."""
    whole = (value >> shift & ((1 << 40) - 1)).to_bytes(5)
    at = data.find(whole, searched + 1)
    while at >= 1 and (shift == 0 or at + 5 < len(data)):
        first = data[at - 1] & (0xFF >> shift)
        last = data[at + 5] >> (8 - shift) if shift else 0
        if first == value >> (40 + shift) and last == value & ((1 << shift) - 1):
            yield 8 * (at - 1) + shift
        at = data.find(whole, at + 1)
