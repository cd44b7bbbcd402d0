"""The entries that at least one of several candidates down-samples, which is all that draws need. Without Spark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metaclip_curate import balance
from metaclip_curate.thresholds import CountHistogram

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class JointHead:
    """The entries of all languages that at least one candidate down-samples, in one array.

    Attributes:
        languages: Languages in the order of their entries.
        entries: Number of all entries of each language.
        first: First position of each language, and after the last one the number of positions.
        ids: Entry id at each position.
        counts: Count at each position.
        thresholds: Thresholds, shape (candidates, languages).
    """

    languages: tuple[str, ...]
    entries: tuple[int, ...]
    first: Ints
    ids: npt.NDArray[np.int32]
    counts: Ints
    thresholds: Ints

    def positions(self, language: int) -> npt.NDArray[np.int32]:
        """Returns the position of each entry of a language, -1 for entries without one, shape (entries,)."""
        start, end = self.first[language], self.first[language + 1]
        positions = np.full(self.entries[language], -1, dtype=np.int32)
        positions[self.ids[start:end]] = np.arange(start, end, dtype=np.int32)
        return positions

    def probabilities(self) -> balance.Floats:
        """Returns the entry probabilities, shape (candidates, positions)."""
        result = np.empty((len(self.thresholds), len(self.ids)), dtype=np.float64)
        for candidate, thresholds in enumerate(self.thresholds):
            for language, t in enumerate(thresholds):
                span = slice(self.first[language], self.first[language + 1])
                result[candidate, span] = balance.entry_probabilities(self.counts[span], int(t))
        return result


def smallest_thresholds(candidates: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Returns the smallest threshold of each language, above which all entries are that a candidate down-samples.

    Args:
        candidates: Thresholds by language of each candidate, at least one.
    """
    return {language: min(candidate[language] for candidate in candidates) for language in candidates[0]}


def joint_head(
    over: Iterable[tuple[str, int, int]],
    histograms: Mapping[str, CountHistogram],
    candidates: Sequence[Mapping[str, int]],
) -> JointHead:
    """Joins the entries that at least one candidate down-samples.

    Args:
        over: Language, id and count of each entry above `smallest_thresholds`.
        histograms: Histograms of the counts of all entries.
        candidates: Thresholds by language of each candidate.
    """
    languages = tuple(histograms)
    number = {language: index for index, language in enumerate(languages)}
    rows = sorted((number[language], entry_id, count) for language, entry_id, count in over)
    of_language, ids, head_counts = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return JointHead(
        languages,
        tuple(int(histograms[language].entries.sum()) for language in languages),
        np.searchsorted(of_language, np.arange(len(languages) + 1)).astype(np.int64),
        ids.astype(np.int32),
        head_counts,
        np.array([[candidate[language] for language in languages] for candidate in candidates], dtype=np.int64),
    )
