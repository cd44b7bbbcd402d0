"""Counts of words and of pairs of neighbours, and how much a pair is more than chance (spec section 3)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise


class NgramCounts:
    """Counts of a part of a text.

    Attributes:
        tokens: All tokens that were added.
        unigrams: Counts of tokens.
        bigrams: Counts of pairs of neighbours.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.unigrams: Counter[str] = Counter()
        self.bigrams: Counter[tuple[str, str]] = Counter()

    def add(self, runs: Iterable[Sequence[str]]) -> int:
        """Adds a text.

        Args:
            runs: Its tokens, in lists of neighbours.

        Returns:
            The number of its tokens.
        """
        before = self.tokens
        for run in runs:
            self.tokens += len(run)
            self.unigrams.update(run)
            self.bigrams.update(pairwise(run))
        return self.tokens - before

    def __len__(self) -> int:
        """How many different n-grams there are: what memory grows with."""
        return len(self.unigrams) + len(self.bigrams)


def pmi(pair: int, first: int, second: int, tokens: int) -> float:
    """The pointwise mutual information of a pair of neighbours: log2(n(xy) N / (n(x) n(y))).

    The fraction is rounded once, from whole numbers, and the logarithm is libm's: so a pair's value is the same on
    every run, whatever the partitioning. (NumPy's logarithm depends on the processor.)

    Args:
        pair: n(xy), how often the two stand together, at least 1.
        first: n(x), how often the first stands anywhere.
        second: n(y), the second.
        tokens: N, the number of tokens.

    Returns:
        Bits.
    """
    return math.log2(pair * tokens / (first * second))


def highest_pmi(tokens: int, lowest_count: int) -> float:
    """The most that a pair of a given count can have: that of two words that occur only together.

    Args:
        tokens: N, the number of tokens.
        lowest_count: The lowest count of a pair.

    Returns:
        Bits; minus infinity without tokens.
    """
    return math.log2(tokens / lowest_count) if tokens else -math.inf
