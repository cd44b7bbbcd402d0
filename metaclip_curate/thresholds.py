"""The thresholds that follow from a t or a tail share, and the t that keeps a given number of pairs.

Counts alone give every language's threshold for any t (spec section 2, thresholds) and, by the union bound, a t below
which a number of pairs can't be reached. The number of pairs that a t keeps takes a pass over the pairs, and `search`
needs as few passes as possible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metaclip_curate import balance
from metaclip_curate.errors import UserError

Ints = npt.NDArray[np.int64]

_FIRST_STEPS = 24
_PASSES = 3


@dataclass(frozen=True)
class CountHistogram:
    """How many of a language's entries have each count.

    A language with m matches has fewer than sqrt(2 m) different counts, so that the histograms of all languages fit
    into memory where the counts don't.

    Attributes:
        counts: Different counts, ascending, int64, shape (n,).
        entries: Number of entries with each count, int64, shape (n,).
    """

    counts: Ints
    entries: Ints

    @property
    def largest(self) -> int:
        """The largest count; 0 without entries."""
        return int(self.counts[-1]) if self.counts.size else 0

    @property
    def matches(self) -> int:
        """Sum of all counts."""
        return int((self.counts * self.entries).sum())

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(self.entries.sum())

    @property
    def unmatched(self) -> int:
        """Number of entries with count 0."""
        return int(self.entries[self.counts == 0].sum())

    def tail_share(self, t: int) -> float:
        """Returns `balance.tail_share` of the counts."""
        return self.tail(t) / self.matches if self.matches else 0.0

    def tail(self, t: int) -> int:
        """Returns the sum of the counts below t."""
        below = self.counts < t
        return int((self.counts[below] * self.entries[below]).sum())

    def threshold(self, p: float) -> int:
        """Returns `balance.threshold_for_tail_share` of the counts."""
        return balance.threshold_for_tail_share(np.repeat(self.counts, self.entries), p)

    def most_kept(self, t: int) -> int:
        """Returns a bound of the expected pairs: the sum of min(t, count), since one entry suffices to keep a pair."""
        return int((np.minimum(self.counts, t) * self.entries).sum())


Histograms = Mapping[str, CountHistogram]


@dataclass(frozen=True)
class Candidate:
    """Thresholds that were chosen together.

    Attributes:
        t: The t that they follow from; None if they follow from a tail share.
        tail_share: Tail share that the languages come closest to; with the same t for all, that of all matches
            together.
        thresholds: Threshold of each language.
    """

    t: int | None
    tail_share: float
    thresholds: Mapping[str, int]


@dataclass(frozen=True)
class Rule:
    """How every language's threshold follows from t or from a tail share (Meta CLIP 2, section 3.2).

    Attributes:
        anchor_language: Language whose threshold is t and whose tail share the others take over.
        same_t: Whether t is every language's threshold.
        tail_share: Tail share of every language, without an anchor; None for a rule from t.
    """

    anchor_language: str = "en"
    same_t: bool = False
    tail_share: float | None = None

    def candidate(self, histograms: Histograms, t: int) -> Candidate:
        """Returns the thresholds for a t, which a rule from a tail share doesn't use.

        Raises:
            UserError: The anchor language has no match.
        """
        if self.same_t:
            thresholds = dict.fromkeys(histograms, t)
            return Candidate(t, pooled_tail_share(histograms, thresholds), thresholds)
        if self.tail_share is not None:
            return candidate_of_tail_share(histograms, self.tail_share)
        anchor = histograms.get(self.anchor_language)
        if anchor is None or not anchor.matches:
            raise UserError(
                f"no text matched the anchor language {self.anchor_language}, so it gives no tail share: use "
                "--tail-share P for a tail share of your own or --same-t for the same t everywhere"
            )
        p = anchor.tail_share(t)
        return Candidate(t, p, {**candidate_of_tail_share(histograms, p).thresholds, self.anchor_language: t})

    def largest_t(self, histograms: Histograms) -> int:
        """Returns a t that keeps every pair."""
        if self.same_t:
            return max((histogram.largest for histogram in histograms.values()), default=1)
        # Every entry of the anchor is in its tail, and p is 1.
        return histograms[self.anchor_language].largest + 1 if self.anchor_language in histograms else 1


def candidate_of_tail_share(histograms: Histograms, p: float) -> Candidate:
    """Returns the thresholds at which every language's tail share comes closest to p."""
    return Candidate(None, p, {language: histogram.threshold(p) for language, histogram in histograms.items()})


def pooled_tail_share(histograms: Histograms, thresholds: Mapping[str, int]) -> float:
    """Returns the share of tail entries in the matches of all languages."""
    total = sum(histogram.matches for histogram in histograms.values())
    tails = sum(histogram.tail(thresholds[language]) for language, histogram in histograms.items())
    return tails / total if total else 0.0


def unreachable_t(histograms: Histograms, rule: Rule, pairs: float) -> int:
    """Returns the largest t that keeps less than a number of pairs by its counts alone; 0 if there is none."""
    low, high = 0, rule.largest_t(histograms)
    while high - low > 1:
        middle = (low + high) // 2
        thresholds = rule.candidate(histograms, middle).thresholds
        most = sum(histogram.most_kept(thresholds[language]) for language, histogram in histograms.items())
        low, high = (middle, high) if most < pairs else (low, middle)
    return low


@dataclass(frozen=True)
class Found:
    """The result of a search.

    Attributes:
        t: The tried t whose expectation is closest to the target.
        expected: Expected number of pairs at this t.
        low: The largest t that is known to keep no more than the target.
        high: The smallest t that is known to keep no less; the largest t if not even that reaches the target.
        passes: Number of passes over the pairs.
    """

    t: int
    expected: float
    low: int
    high: int
    passes: int

    @property
    def exact(self) -> bool:
        """Whether no other t is closer."""
        return self.high - self.low <= 1


def search(
    expected: Callable[[Sequence[int]], Sequence[float]], target: float, low: int, high: int, passes: int = _PASSES
) -> Found:
    """Finds the t whose expectation comes closest to a target.

    The first pass takes a geometric grid. Each later pass interpolates between the neighbours of the target and tries
    the t around it at distances that double: if the interpolation is off by d, at most about d numbers remain. If the
    expectation is smooth, three passes leave one t. With an anchor language it has steps, and several t may remain,
    between `Found.low` and `Found.high`.

    Args:
        expected: Returns the expectation of each of several t from one pass over the pairs. It never falls with t.
        target: Number of pairs, at least 1.
        low: A t that keeps less than the target; 0 is one.
        high: A t that keeps every pair.
        passes: Largest number of passes over the pairs.

    Returns:
        The best t, and the interval in which the closest one lies.
    """
    known: dict[int, float] = {0: 0.0}
    tried = _geometric(max(low, 1), high, _FIRST_STEPS)
    done = 0
    while tried and done < passes:
        known.update(zip(tried, expected(tried), strict=True))
        done += 1
        low = max(t for t, pairs in known.items() if pairs <= target)
        high = min((t for t, pairs in known.items() if pairs >= target), default=high)
        if low >= high:  # the target is met exactly, or not even the largest t reaches it
            break
        tried = _around(_interpolated(known, low, high, target), low, high)
    best = min((t for t in known if t > 0), key=lambda t: (abs(known[t] - target), t))
    return Found(best, known[best], low, high, done)


def _geometric(low: int, high: int, steps: int) -> list[int]:
    """Returns whole numbers from low to high, in steps of about the same ratio."""
    high = max(low, high)
    between = (round(low * (high / low) ** (step / steps)) for step in range(steps))
    return sorted({*between, high})


def _interpolated(known: Mapping[int, float], low: int, high: int, target: float) -> int:
    """Returns the t at which a power law through the expectations of two t meets the target."""
    below, above = known[low], known[high]
    spread = math.log(above) - math.log(below) if below > 0 else 0.0
    if spread == 0.0:  # expectations that differ in their last digits have the same logarithm
        return (low + high) // 2
    share = (math.log(target) - math.log(below)) / spread
    return round(low * float((high / low) ** share))


def _around(guess: int, low: int, high: int) -> list[int]:
    """Returns the numbers between two others at distances 0, 1, 2, 4, ... from a guess."""
    inside = range(low + 1, high)
    if not inside:
        return []
    centre = min(max(guess, low + 1), high - 1)
    distances = [0, *(2**power for power in range((high - low).bit_length()))]
    return sorted({t for distance in distances for t in (centre - distance, centre + distance) if t in inside})
