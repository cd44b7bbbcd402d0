from __future__ import annotations

import math
from collections import Counter

import pytest

from metaclip_curate.metadata.building.ngrams import NgramCounts, highest_pmi, pmi

SENTENCE = (
    "the cat sat on the mat and the cat saw the dog on the mat so the dog ran and the cat ran "
    "and New York is a city and New York is not the cat"
)
TEXT = SENTENCE.split()


def test_mutual_information_is_nltks() -> None:
    collocations = pytest.importorskip("nltk.collocations")
    finder = collocations.BigramCollocationFinder.from_words(TEXT)
    expected = dict(finder.score_ngrams(collocations.BigramAssocMeasures.pmi))
    counts = NgramCounts()
    assert counts.add([TEXT]) == len(TEXT)
    found = {
        pair: pmi(count, counts.unigrams[pair[0]], counts.unigrams[pair[1]], counts.tokens)
        for pair, count in counts.bigrams.items()
    }
    assert found.keys() == expected.keys()
    assert all(math.isclose(found[pair], expected[pair], rel_tol=1e-12) for pair in expected)
    assert max(found, key=lambda pair: (found[pair], pair)) == max(expected, key=lambda pair: (expected[pair], pair))


def test_counts_of_runs_dont_cross_their_borders() -> None:
    counts = NgramCounts()
    counts.add([["a", "b", "a"], ["b"], [], ["a", "b"]])
    counts.add([["b", "a"]])
    assert counts.tokens == 8
    assert counts.unigrams == Counter(a=4, b=4)
    assert counts.bigrams == Counter({("a", "b"): 2, ("b", "a"): 2})
    assert len(counts) == 4


def test_mutual_information_of_large_counts_is_rounded_once() -> None:
    # In doubles the products would be rounded before they are divided.
    assert pmi(3, 3 * (2**40 + 1), 2**40 - 1, (2**40 + 1) * (2**40 - 1)) == 0.0


def test_the_most_that_a_pair_can_have() -> None:
    assert highest_pmi(2**20, 4) == pmi(4, 4, 4, 2**20) == 18.0
    assert highest_pmi(0, 1) == -math.inf
