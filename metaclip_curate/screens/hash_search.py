"""Hashes of 256 bits that differ in few bits, found without comparing all with all.

Two hashes that differ in at most 31 bits agree in at least one of their 16 bands of 16 bits but for one bit, and in at
most 15 bits in one band altogether. So only hashes are compared of which a band is equal or differs in one bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate.extract.hex_strings import from_hex

Bytes = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.uint16]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

HASH_BYTES = 32
BANDS = 16
NONE = -1
_ONE_BIT = tuple(1 << bit for bit in range(16))
_COMPARED_AT_ONCE = 1 << 18


class Matches(NamedTuple):
    """What was found for each of n hashes. All arrays have the shape (n,).

    Attributes:
        known: Position of a hash within the distance, -1 where there is none.
        distance: Its distance in bits.
        capped: Whether a band of it has more hashes than are compared.
    """

    known: Ints
    distance: npt.NDArray[np.int16]
    capped: npt.NDArray[np.bool_]


def hash_bytes(digits: pa.Array) -> Bytes:
    """Returns hashes as bytes, shape (n, 32).

    Args:
        digits: n strings of 64 hex digits.
    """
    return from_hex(digits, HASH_BYTES)


def masks_of(distance: int) -> tuple[int, ...]:
    """Returns by what the keys of a band may differ."""
    return (0, *_ONE_BIT) if distance >= BANDS else (0,)


def band_keys(hashes: Bytes, band: int) -> Keys:
    """Returns a band of each hash, shape (n,)."""
    return np.ascontiguousarray(hashes).view(">u2")[:, band].astype(np.uint16)


class HashIndex:
    """Hashes in which others are looked up.

    Args:
        hashes: The hashes, shape (m, 32).
    """

    def __init__(self, hashes: Bytes) -> None:
        self._hashes = hashes

    def __len__(self) -> int:
        return len(self._hashes)

    @cached_property
    def _buckets(self) -> list[Buckets]:
        return [Buckets(band_keys(self._hashes, band)) for band in range(BANDS)]

    @cached_property
    def _words(self) -> Words:
        return words_of(self._hashes)

    def nearest(self, hashes: Bytes, distance: int) -> Matches:
        """Returns for each hash the nearest one of the index; of several the first.

        Args:
            hashes: Shape (n, 32).
            distance: Largest number of bits that may differ, at most 31.
        """
        words = words_of(hashes)
        best = Best(len(hashes))
        for band, buckets in enumerate(self._buckets):
            keys = band_keys(hashes, band)
            for mask in masks_of(distance):
                found = buckets.candidates(keys ^ np.uint16(mask))
                for query, known, bits in compared(words, self._words, found, distance):
                    best.take(query, bits.astype(np.int64) << 40 | known)
        index, bits = best.values & ((1 << 40) - 1), best.values >> 40
        return best.matches(index, bits, np.zeros(len(hashes), np.bool_))


class Buckets:
    """The positions of m hashes by their keys.

    Args:
        keys: Key of each hash, shape (m,).
    """

    def __init__(self, keys: Keys) -> None:
        self._positions = np.argsort(keys, kind="stable")
        self._starts = np.searchsorted(keys[self._positions], np.arange((1 << 16) + 1))

    def candidates(self, keys: Keys) -> Runs:
        """Returns the hashes with given keys.

        Args:
            keys: Keys of n hashes, shape (n,).
        """
        starts = self._starts[keys]
        return Runs(self._positions, starts, self._starts[keys.astype(np.int64) + 1] - starts)


class Runs(NamedTuple):
    """Candidates of n hashes.

    Attributes:
        positions: Positions of known hashes, shape (m,).
        starts: Where each hash's candidates begin in `positions`, shape (n,).
        numbers: How many they are, shape (n,); none if it isn't above 0.
    """

    positions: Ints
    starts: Ints
    numbers: Ints


def compared(
    queries: Words, known: Words, runs: Runs, distance: int
) -> Iterator[tuple[Ints, Ints, npt.NDArray[np.int64]]]:
    """Yields which hashes are within a distance of which candidates, and how far, in pieces.

    Args:
        queries: n hashes, shape (4, n).
        known: m hashes, shape (4, m).
        runs: Candidates of each query.
        distance: Largest number of bits that may differ.
    """
    open_rows = np.flatnonzero(runs.numbers > 0)
    ends = np.cumsum(runs.numbers[open_rows])
    start = 0
    while start < len(open_rows):
        done = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, done + _COMPARED_AT_ONCE, side="right")))
        rows = open_rows[start:end]
        numbers = runs.numbers[rows]
        query = np.repeat(rows, numbers)
        within = np.arange(len(query)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
        index = runs.positions[np.repeat(runs.starts[rows], numbers) + within]
        bits = np.zeros(len(query), np.int64)
        # Most are found too far after half of the words.
        for first in (0, 2):
            for word in (first, first + 1):
                bits += bit_counts(queries[word][query] ^ known[word][index])
            near = bits <= distance
            query, index, bits = query[near], index[near], bits[near]
        if len(query):
            yield query, index, bits
        start = end


def words_of(hashes: Bytes) -> Words:
    """Returns the four 64-bit words of each hash, shape (4, n)."""
    return np.ascontiguousarray(np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, HASH_BYTES // 8).T)


def bit_counts(words: Words) -> npt.NDArray[np.uint8]:
    """Returns the number of set bits of each word, in the words' shape."""
    if hasattr(np, "bitwise_count"):  # NumPy 2
        counts: npt.NDArray[np.uint8] = np.bitwise_count(words)
        return counts
    halves = _bits_of_16()[words.view(np.uint16).reshape(-1, 4)]
    sums: npt.NDArray[np.uint8] = halves.sum(axis=1, dtype=np.uint8).reshape(words.shape)
    return sums


@lru_cache(maxsize=1)
def _bits_of_16() -> npt.NDArray[np.uint8]:
    values = np.arange(1 << 16, dtype="<u2").view(np.uint8).reshape(-1, 2)
    sums: npt.NDArray[np.uint8] = np.unpackbits(values, axis=1).sum(axis=1, dtype=np.uint8)
    return sums


class Best:
    """The smallest value of each hash.

    Args:
        size: Number of hashes.

    Attributes:
        values: Shape (n,).
    """

    _NOTHING = np.iinfo(np.int64).max

    def __init__(self, size: int) -> None:
        self.values = np.full(size, self._NOTHING, np.int64)

    def take(self, rows: Ints, values: Ints) -> None:
        """Takes values of hashes, some of which may be named several times."""
        np.minimum.at(self.values, rows, values)

    def matches(self, index: Ints, bits: Ints, capped: npt.NDArray[np.bool_]) -> Matches:
        """Returns what was found, where a hash without a value has nothing."""
        none = self.values == self._NOTHING
        return Matches(np.where(none, NONE, index), np.where(none, NONE, bits).astype(np.int16), capped)
