"""For each of many hashes the first one before it that is within a distance, among those with nearly the same key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from metaclip_curate.screens.hash_search import Best, Bytes, Ints, Keys, Matches, Runs, bit_counts, compared, words_of

# A hash with more candidates is compared with whole blocks of them, which takes a tenth of the time per candidate, but
# some time for each key.
_MANY = 128
# Hashes of a block, and candidates: the results of a block stay in a core's cache.
_BLOCK_ROWS, _BLOCK_CANDIDATES = 256, 512
# Candidates of the first block: most hashes with a popular key are near one of the first.
_FIRST_CANDIDATES = 32


def first_neighbours(hashes: Bytes, keys: Keys, masks: Sequence[int], distance: int, most: int) -> Matches:
    """Returns for each of n hashes the first one before it that is within a distance and has nearly the same key.

    Args:
        hashes: The hashes in the order in which they count, shape (n, 32).
        keys: A band of each, shape (n,).
        masks: By what the keys may differ.
        distance: Largest number of bits of the hashes that may differ.
        most: Number of hashes with the same key that are compared with any other: those that come first.
    """
    # In the order of the keys the candidates of a hash lie together, near those of the hashes beside it.
    order = np.argsort(keys, kind="stable")
    search = _Search(hashes[order], order, distance)
    keys = keys[order].astype(np.int64)
    ranked = keys << 32 | order
    starts_of = np.searchsorted(keys, np.arange(1 << 16))
    capped = np.zeros(len(order), np.bool_)
    for mask in masks:
        known_keys = keys ^ mask
        starts = starts_of[known_keys]
        numbers = np.searchsorted(ranked, known_keys << 32 | search.before()) - starts
        capped |= numbers > most
        numbers = np.minimum(numbers, most)
        few = Runs(search.rows, starts, np.where(numbers > _MANY, 0, numbers))
        search.compare_with_runs(few)
        rows = np.flatnonzero(numbers > _MANY)
        # Rows with the same key have the same candidates, or the first of them.
        for same_key in np.split(rows, np.flatnonzero(np.diff(keys[rows])) + 1) if len(rows) else []:
            search.compare_with_all(same_key, int(starts[same_key[0]]), int(numbers[same_key].max()))
    found, back = search.matches(capped), np.argsort(order)
    return Matches(found.known[back], found.distance[back], found.capped[back])


class _Search:
    """The comparisons of n hashes with one another.

    Args:
        hashes: The hashes in the order of their keys, shape (n, 32).
        order: Position of each in the order in which they count, shape (n,).
        distance: Largest number of bits that may differ.

    Attributes:
        rows: The numbers from 0, shape (n,).
    """

    def __init__(self, hashes: Bytes, order: Ints, distance: int) -> None:
        self._words, self._order, self._distance = words_of(hashes), order, distance
        self._best = Best(len(order))
        self.rows = np.arange(len(order))

    def before(self, rows: Ints | slice = slice(None)) -> Ints:
        """Returns the position before which candidates of hashes count: its own, or that of the one that was found."""
        found: Ints = np.minimum(self._order[rows], self._best.values[rows] >> 16)
        return found

    def compare_with_runs(self, runs: Runs) -> None:
        """Compares each hash with candidates of its own."""
        for query, known, bits in compared(self._words, self._words, runs, self._distance):
            self._best.take(query, self._order[known] << 16 | bits)

    def compare_with_all(self, rows: Ints, start: int, number: int) -> None:
        """Compares several hashes with the same candidates.

        Args:
            rows: The hashes.
            start: Row of the first candidate.
            number: Number of candidates.
        """
        first, size, end = start, min(_FIRST_CANDIDATES, _BLOCK_CANDIDATES), start + number
        while first < end:
            candidates = slice(first, min(first + size, end))
            # Only the first one within the distance counts, so that none after one that was found is needed.
            rows = rows[self.before(rows) > self._order[first]]
            for block in range(0, len(rows), _BLOCK_ROWS):
                self._compare_block(rows[block : block + _BLOCK_ROWS], candidates)
            first, size = candidates.stop, min(2 * size, _BLOCK_CANDIDATES)

    def _compare_block(self, rows: Ints, candidates: slice) -> None:
        different = [bit_counts(words[rows][:, None] ^ words[candidates]) for words in self._words[:2]]
        near, far = np.nonzero(different[0] + different[1] <= self._distance)
        if not len(near):
            return
        query, known = rows[near], self.rows[candidates][far]
        bits = bit_counts(self._words[:, query] ^ self._words[:, known]).sum(axis=0, dtype=np.int64)
        kept = (bits <= self._distance) & (self._order[known] < self._order[query])
        self._best.take(query[kept], self._order[known[kept]] << 16 | bits[kept])

    def matches(self, capped: npt.NDArray[np.bool_]) -> Matches:
        """Returns what was found.

        Args:
            capped: Whether a hash isn't compared with all, shape (n,).
        """
        return self._best.matches(self._best.values >> 16, self._best.values & 0xFFFF, capped)
