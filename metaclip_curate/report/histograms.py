"""Entry counts and what was kept of them, as histograms, and the curves of the papers from these.

The figures of "Demystifying CLIP Data" (arXiv 2309.16671, section 3) show cumulative counts over entries sorted by
count, and the entries of the head against the rest. A histogram has all that they need and is small: a language with m
matches has less than sqrt(2 m) different counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metaclip_curate.thresholds import CountHistogram

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class KeptHistogram(CountHistogram):
    """How often each count occurs among entries, and what was kept.

    Attributes:
        kept: Kept texts of all entries with that count, summed up, int64 of the same shape as `counts`.
    """

    kept: Ints

    @property
    def hit(self) -> int:
        """Entries with at least one text."""
        return int(self.entries[self.counts > 0].sum())

    def limited(self, t: int) -> Ints:
        """Sum of min(t, count) over the entries with each count, shape of `counts`."""
        return np.minimum(self.counts, t) * self.entries

    def head(self, t: int) -> HeadAndTail:
        """Matches of entries with count >= t and of the others, before and after."""
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
    """Entries in order of their count, those of equal count together; of one language or of several.

    Attributes:
        counts: Ascending, shape (levels,).
        entries: Number of entries at each.
        kept: Kept texts of these entries together.
        limited: Sum of min(t, count) over these entries, for each candidate of t, shape (candidates, levels).
    """

    counts: Ints
    entries: Ints
    kept: Ints
    limited: Ints


def levels(histograms: Mapping[str, KeptHistogram], candidates: Sequence[Mapping[str, int]]) -> Levels:
    """Puts the entries of languages in one order.

    Args:
        histograms: By language.
        candidates: Thresholds by language, for each candidate.
    """
    names = sorted(histograms)
    if not names:
        nothing = np.zeros(0, dtype=np.int64)
        return Levels(nothing, nothing, nothing, np.zeros((len(candidates), 0), dtype=np.int64))
    counts = np.concatenate([histograms[name].counts for name in names])
    values, place = np.unique(counts, return_inverse=True)

    def summed(each: Sequence[Ints]) -> Ints:
        result = np.zeros(len(values), dtype=np.int64)
        np.add.at(result, place, np.concatenate(each))
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
    """Curves over entries at some ranks.

    Attributes:
        ranks: Shape (points,).
        before: Of the counts.
        after: Of the kept texts.
        limited: Of min(t, count), shape (candidates, points); of ranked counts there are none.
    """

    ranks: Ints
    before: Floats
    after: Floats
    limited: Floats


def cumulative_curves(of: Levels, points: int) -> Curves:
    """Cumulative counts over the entries with a text, in ascending order of their count.

    Args:
        of: The entries.
        points: About how many to give; they are dense where a curve is steep, and among the most frequent entries.

    Returns:
        Ranks are from 1, the most frequent entry, upwards: the first point is that of the rarest.
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
    """Mean count, and mean kept texts, of entries in bands of their rank, the most frequent first.

    Args:
        of: The entries.
        points: About how many bands; each is wider than the one before by the same ratio.

    Returns:
        Ranks are the first of each band, from 1. Entries without a text have none.
    """
    hit = _hit(of)
    ranks = _running(of.entries[hit][::-1])
    if ranks[-1] == 0:
        return _no_curves(0)
    edges = np.unique(np.rint(np.geomspace(1, ranks[-1] + 1, points + 1)).astype(np.int64))
    before = np.interp(edges - 1, ranks, _running((of.counts * of.entries)[hit][::-1]))
    after = np.interp(edges - 1, ranks, _running(of.kept[hit][::-1]))
    width = np.diff(edges)
    return Curves(edges[:-1], np.diff(before) / width, np.diff(after) / width, np.zeros((0, len(width))))


def _no_curves(candidates: int) -> Curves:
    return Curves(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros((candidates, 0)))


def _hit(of: Levels) -> slice:
    """The levels of entries with a text."""
    return slice(int(np.searchsorted(of.counts, 1)), None)


def _running(values: Ints) -> Ints:
    """Running sums from 0, one longer than the values."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(values)])


def _ranks_of_equal_steps(ranks: Ints, curve: Ints, steps: int) -> Floats:
    """Ranks between which a rising curve grows by about the same."""
    heights = np.linspace(0, curve[-1], steps + 1)
    return np.interp(heights, curve, ranks)
