"""Which entries of a long list may occur in few texts, by their first and last bytes.

A text contains an entry only if it contains the entry's first bytes and its last ones. Both are compared as integers,
by one bit for each hash, which takes a hundredth of the time in which an automaton of the entries is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metaclip_curate.matching.normalization import SEPARATOR

# Bytes that are compared at each end. Entries that are shorter than the smallest of them are always possible.
_WIDTHS = (8, 4)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, volume 3, section 6.4)
# A hash has eight times as many values as there are bytes, within these limits.
_LEAST_BITS, _MOST_BITS = 12, 23
# Keeps what a step computes in the processor's cache.
_WINDOWS_PER_STEP = 1 << 15

Ids = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class _Ends:
    """Entries of which so many bytes are compared.

    Attributes:
        ids: Shape (n,).
        first: Their first bytes as integers, shape (n,).
        last: Their last bytes as integers, shape (n,).
    """

    ids: Ids
    first: Words
    last: Words


class EntryEnds:
    """The first and last bytes of a list's entries.

    Args:
        entries: Entries of a language as a spaced text contains them, but for the spaces around them. An empty one
            isn't contained in any text. An entry's id is its index.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        joined = f"{SEPARATOR.join(entries)}{SEPARATOR}".encode()
        ends = np.flatnonzero(np.frombuffer(joined, np.uint8) == ord(SEPARATOR))[: len(entries)]
        starts = np.concatenate([[0], ends[:-1] + 1])[: len(entries)]
        lengths = ends - starts
        self._short = _ids((lengths > 0) & (lengths < _WIDTHS[-1]))
        self._ends: dict[int, _Ends] = {}
        least_of_wider = len(joined) + 1
        for width in _WIDTHS:
            ids = _ids((lengths >= width) & (lengths < least_of_wider))
            windows = _windows(joined, width)
            first, last = windows[starts[ids]], windows[ends[ids] - width]
            self._ends[width] = _Ends(ids, first.astype(np.uint64), last.astype(np.uint64))
            least_of_wider = width

    def possible(self, texts: str) -> Ids:
        """Returns the entries that may occur.

        Args:
            texts: Spaced texts.

        Returns:
            Ids of all entries that the texts contain and perhaps of others, ascending.
        """
        encoded = texts.encode()
        found = [self._short]
        for width, ends in self._ends.items():
            occurs = _Occurring(encoded, width)
            some = np.flatnonzero(occurs.contains(ends.first))
            found.append(ends.ids[some[occurs.contains(ends.last[some])]])
        return np.sort(np.concatenate(found))


class _Occurring:
    """The byte strings of one width that occur in a text, and some others.

    Args:
        text: A text in UTF-8.
        width: Number of bytes.
    """

    def __init__(self, text: bytes, width: int) -> None:
        bits = min(max(len(text).bit_length() + 3, _LEAST_BITS), _MOST_BITS)
        self._shift = np.uint64(64 - bits)
        self._occurs = np.zeros(1 << bits, np.bool_)
        windows = _windows(text, width)
        for start in range(0, len(windows), _WINDOWS_PER_STEP):
            self._occurs[self._hashes(windows[start : start + _WINDOWS_PER_STEP].astype(np.uint64))] = True

    def contains(self, strings: Words) -> npt.NDArray[np.bool_]:
        """Returns for each of n byte strings whether it may occur, shape (n,)."""
        return self._occurs[self._hashes(strings)]

    def _hashes(self, strings: Words) -> Words:
        return (strings * _MULTIPLIER) >> self._shift


def _ids(which: npt.NDArray[np.bool_]) -> Ids:
    return np.flatnonzero(which).astype(np.int32)


def _windows(text: bytes, width: int) -> npt.NDArray[np.uint64 | np.uint32]:
    """Returns the byte strings of a width that begin at each byte of a text, as integers, without copying the text."""
    count = max(0, len(text) - width + 1)
    return np.ndarray((count,), f"<u{width}", text if count else bytes(width), strides=(1,))
