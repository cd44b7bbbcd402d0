"""Histograms of entry counts before and after the draw, and the papers' curves from them.

The figures of "Demystifying CLIP Data" (arXiv 2309.16671, section 3) show cumulative counts over entries sorted by
count, and the head entries against the rest. A histogram is enough for both and small: a language with m matches has
fewer than sqrt(2 m) different counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metaclip_curate.thresholds import CountHistogram

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# A point of the ranked counts is a mean over ranks up to this ratio below and above.
_SMOOTHING = 1.5
# A product of a rank and a ratio that should be whole may miss it in the last digit.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class KeptHistogram(CountHistogram):
    """Number of entries with each count, and number of their texts that were kept.

    Attributes:
        kept: Sum of the kept texts of all entries with each count, int64, shape of `counts`.
    """

    kept: Ints

    @property
    def hit(self) -> int:
        """Returns the number of entries that at least one text contains."""
        return int(self.entries[self.counts > 0].sum())

    def limited(self, t: int) -> Ints:
        """Returns the sum of min(t, count) over the entries with each count, shape of `counts`."""
        return np.minimum(self.counts, t) * self.entries

    def head(self, t: int) -> HeadAndTail:
        """Returns the matches of entries with count >= t and of the others, before and after the draw."""
        head, matches = self.counts >= t, self.counts * self.entries
        return HeadAndTail(
            int(self.entries[head].sum()),
            *(int(values[side].sum()) for values in (matches, self.kept) for side in (head, ~head)),
        )


@dataclass(frozen=True)
class HeadAndTail:
    """Number of head entries, and matches of head and tail before and after the draw."""

    entries: int
    head_before: int
    tail_before: int
    head_after: int
    tail_after: int

    def __add__(self, other: HeadAndTail) -> HeadAndTail:
        return HeadAndTail(
            self.entries + other.entries,
            self.head_before + other.head_before,
            self.tail_before + other.tail_before,
            self.head_after + other.head_after,
            self.tail_after + other.tail_after,
        )


@dataclass(frozen=True)
class Levels:
    """Entries of one or several languages, grouped by count. A level is a group of entries with the same count.

    Attributes:
        counts: Count of each level, ascending, shape (levels,).
        entries: Number of entries in each level.
        kept: Sum of the kept texts of a level's entries.
        limited: Sum of min(t, count) over a level's entries for each candidate, shape (candidates, levels).
    """

    counts: Ints
    entries: Ints
    kept: Ints
    limited: Ints


def levels(histograms: Mapping[str, KeptHistogram], candidates: Sequence[Mapping[str, int]]) -> Levels:
    """Groups the entries of all languages by count.

    Args:
        histograms: Histogram of each language.
        candidates: Thresholds by language of each candidate.
    """
    names = sorted(histograms)
    if not names:
        nothing = np.zeros(0, dtype=np.int64)
        return Levels(nothing, nothing, nothing, np.zeros((len(candidates), 0), dtype=np.int64))
    counts = np.concatenate([histograms[name].counts for name in names])
    values, level = np.unique(counts, return_inverse=True)

    def summed(each: Sequence[Ints]) -> Ints:
        result = np.zeros(len(values), dtype=np.int64)
        np.add.at(result, level, np.concatenate(each))
        return result

    limited = [summed([histograms[name].limited(candidate[name]) for name in names]) for candidate in candidates]
    return Levels(
        values,
        summed([histograms[name].entries for name in names]),
        summed([histograms[name].kept for name in names]),
        np.array(limited, dtype=np.int64).reshape(len(candidates), len(values)),
    )


@dataclass(frozen=True)
class Curves:
    """Curves over the ranks of entries.

    Attributes:
        ranks: Ranks, shape (points,).
        before: Counts at each rank.
        after: Kept texts at each rank.
        limited: min(t, count) at each rank, shape (candidates, points).
    """

    ranks: Ints
    before: Floats
    after: Floats
    limited: Floats


def cumulative_curves(of: Levels, points: int) -> Curves:
    """Returns cumulative counts over the entries with a text, in ascending order of their count.

    Args:
        of: The entries.
        points: Approximate number of points, which are denser where a curve is steep and among frequent entries.

    Returns:
        Curves from the rarest entry to the most frequent one, whose rank is 1.
    """
    hit = _hit(of)
    ranks = _running(of.entries[hit])
    before, after = _running((of.counts * of.entries)[hit]), _running(of.kept[hit])
    limited = np.array([_running(row[hit]) for row in of.limited]).reshape(len(of.limited), len(ranks))
    entries = ranks[-1]
    if not entries:
        return _no_curves(len(limited))
    asked = np.concatenate([_ranks_of_equal_steps(ranks, curve, points // 3) for curve in (before, after)])
    asked = np.concatenate([asked, entries + 1 - np.geomspace(1, entries, points // 3)])
    chosen = np.unique(np.clip(np.rint(asked).astype(np.int64), 1, entries))
    return Curves(
        entries + 1 - chosen,
        np.interp(chosen, ranks, before),
        np.interp(chosen, ranks, after),
        np.array([np.interp(chosen, ranks, row) for row in limited]).reshape(len(limited), len(chosen)),
    )


def ranked_counts(of: Levels, points: int) -> Curves:
    """Returns the mean count and the mean number of kept texts around ranks, the most frequent entries first.

    A point is the mean over all ranks from two thirds of its rank to one and a half of it, since how many texts a
    single entry keeps depends on the entries that occur with it, which would make the curve jump among the first ranks.
    At both ends the span is smaller, and equally wide on a logarithmic axis to either side.

    Args:
        of: The entries.
        points: Approximate number of points, at ranks of about the same ratio.

    Returns:
        Curves from rank 1 to the last. Entries without a text have no rank.
    """
    hit = _hit(of)
    ranks = _running(of.entries[hit][::-1])
    entries = int(ranks[-1])
    if not entries:
        return _no_curves(len(of.limited))
    chosen = np.unique(np.rint(np.geomspace(1, entries, points)).astype(np.int64))
    ratio = np.minimum(_SMOOTHING, entries / chosen)
    first = np.ceil(chosen / ratio - _ROUNDING).astype(np.int64)
    last = np.minimum(np.floor(chosen * ratio + _ROUNDING).astype(np.int64), entries)

    def mean(values: Ints) -> Floats:
        sums = _running(values[hit][::-1])
        spans = np.interp(last, ranks, sums) - np.interp(first - 1, ranks, sums)
        return np.asarray(spans / (last - first + 1), dtype=np.float64)

    limited = np.array([mean(row) for row in of.limited]).reshape(len(of.limited), len(chosen))
    return Curves(chosen, mean(of.counts * of.entries), mean(of.kept), limited)


def _no_curves(candidates: int) -> Curves:
    return Curves(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros((candidates, 0)))


def _hit(of: Levels) -> slice:
    """Returns the levels of entries with a text."""
    return slice(int(np.searchsorted(of.counts, 1)), None)


def _running(values: Ints) -> Ints:
    """Returns running sums from 0, one more than there are values."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])


def _ranks_of_equal_steps(ranks: Ints, curve: Ints, steps: int) -> Floats:
    """Returns ranks between which a rising curve grows by about the same amount."""
    heights = np.linspace(0, curve[-1], steps + 1)
    return np.interp(heights, curve, ranks)
