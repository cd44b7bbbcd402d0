"""Counts of words and of adjacent pairs, and the mutual information of a pair (spec section 3)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise


class NgramCounts:
    """Counts of unigrams and bigrams.

    Attributes:
        tokens: Number of tokens that were added.
        unigrams: Count of each token.
        bigrams: Count of each pair of adjacent tokens.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.unigrams: Counter[str] = Counter()
        self.bigrams: Counter[tuple[str, str]] = Counter()

    def add(self, runs: Iterable[Sequence[str]]) -> int:
        """Adds a text.

        Args:
            runs: Tokens of the text, in runs of adjacent tokens.

        Returns:
            The number of tokens in the text.
        """
        before = self.tokens
        for run in runs:
            self.tokens += len(run)
            self.unigrams.update(run)
            self.bigrams.update(pairwise(run))
        return self.tokens - before

    def __len__(self) -> int:
        """Returns the number of distinct n-grams, with which memory grows."""
        return len(self.unigrams) + len(self.bigrams)


def pmi(pair: int, first: int, second: int, tokens: int) -> float:
    """Computes the pointwise mutual information of an adjacent pair: log2(n(xy) N / (n(x) n(y))).

    The fraction of integers is rounded once, and the logarithm is that of libm, so that the value of a pair is the same
    in every run and with any partitioning. NumPy's logarithm depends on the processor.

    Args:
        pair: n(xy), the count of the pair, at least 1.
        first: n(x), the count of its first token.
        second: n(y), the count of its second token.
        tokens: N, the number of tokens.

    Returns:
        Bits.
    """
    return math.log2(pair * tokens / (first * second))


def highest_pmi(tokens: int, lowest_count: int) -> float:
    """Computes the highest value that a pair of a given count can have: that of two words that only occur together.

    Args:
        tokens: N, the number of tokens.
        lowest_count: Lowest count of a pair.

    Returns:
        Bits; minus infinity without tokens.
    """
    return math.log2(tokens / lowest_count) if tokens else -math.inf
