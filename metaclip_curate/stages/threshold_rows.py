"""The rows of `thresholds`, and the expected number of pairs that they have, without Spark."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from metaclip_curate.balance import Floats
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.run.summaries import LanguageThreshold
from metaclip_curate.schemas import THRESHOLDS
from metaclip_curate.stages.shared.exact_sums import ExactSums
from metaclip_curate.thresholds import Histograms, Rule


def chosen_thresholds(histograms: Histograms, options: BalanceOptions) -> Mapping[str, int]:
    """Returns each language's t.

    Raises:
        UserError: The anchor language has no match and no other rule is asked for.
    """
    rule = Rule(options.anchor_language, options.same_t, options.tail_share)
    return rule.candidate(histograms, options.t).thresholds


class LanguageSum(NamedTuple):
    """Sums of some pairs of a language; of several tasks, they are added.

    Attributes:
        language: The language.
        pairs: Number of pairs.
        high, low: Halves of the exact sum of their keep probabilities, as in `ExactSums`.
    """

    language: str
    pairs: int
    high: int
    low: int


class ExpectedPairs:
    """Numbers of pairs and sums of their keep probabilities, by language."""

    def __init__(self) -> None:
        self._pairs: dict[str, int] = {}
        self._sums: dict[str, ExactSums] = {}

    def add(self, language: str, probabilities: Floats) -> None:
        """Adds up to 2^20 pairs of a language."""
        self._pairs[language] = self._pairs.get(language, 0) + len(probabilities)
        of_language = self._sums.setdefault(language, ExactSums(candidates=1, slots=1))
        of_language.add(np.zeros(len(probabilities), dtype=np.int64), probabilities[np.newaxis])

    def sums(self) -> Iterator[LanguageSum]:
        """Yields the sums of each language."""
        for language, of_language in self._sums.items():
            yield LanguageSum(language, self._pairs[language], int(of_language.high[0, 0]), int(of_language.low[0, 0]))


def threshold_rows(
    histograms: Histograms, thresholds: Mapping[str, int], pairs: Mapping[str, int], expected: Mapping[str, float]
) -> pa.RecordBatch:
    """Returns rows of `schemas.THRESHOLDS`, in the order of languages.

    Args:
        histograms: Counts of each language with a matched text.
        thresholds: Each language's t.
        pairs: Each language's number of matched pairs.
        expected: Each language's expected number of pairs in the manifest.
    """
    rows = [
        LanguageThreshold(
            name,
            thresholds[name],
            histogram.tail_share(thresholds[name]),
            histogram.matches,
            histogram.size,
            histogram.unmatched,
            pairs.get(name, 0),
            expected.get(name, 0.0),
        )
        for name, histogram in sorted(histograms.items(), key=lambda item: item[0].encode())
    ]
    return pa.RecordBatch.from_pylist(list(map(dataclasses.asdict, rows)), schema=THRESHOLDS)
