"""Choosing t before anything is drawn: the thresholds that follow from a t, and the t that keeps so many pairs.

Counts alone give every language's threshold for any t (spec section 2, thresholds) and, by the union bound, a t below
which a number of pairs can't be reached. How many pairs a t keeps needs a pass over them, which `search` asks for as
seldom as it can.
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
    """How often each count occurs among a language's entries.

    A language with m matches has less than sqrt(2 m) different counts, so that the histograms of all languages fit
    where the counts don't.

    Attributes:
        counts: The different counts, ascending, int64.
        entries: How many entries have each, int64 of the same shape.
    """

    counts: Ints
    entries: Ints

    @property
    def largest(self) -> int:
        """The largest count; 0 where there is none."""
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
        """As `balance.tail_share` of the counts."""
        return self.tail(t) / self.matches if self.matches else 0.0

    def tail(self, t: int) -> int:
        """Sum of the counts below t."""
        below = self.counts < t
        return int((self.counts[below] * self.entries[below]).sum())

    def threshold(self, p: float) -> int:
        """As `balance.threshold_for_tail_share` of the counts."""
        return balance.threshold_for_tail_share(np.repeat(self.counts, self.entries), p)

    def most_kept(self, t: int) -> int:
        """What the expected pairs can't exceed: the sum of min(t, count), as a pair is kept by one of its entries."""
        return int((np.minimum(self.counts, t) * self.entries).sum())


Histograms = Mapping[str, CountHistogram]


@dataclass(frozen=True)
class Candidate:
    """Thresholds that were chosen together.

    Attributes:
        t: The t that was asked for; None where a tail share was.
        tail_share: The tail share that the languages follow; with the same t for all, that of all matches together.
        thresholds: Each language's.
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
        """A t that keeps every pair."""
        if self.same_t:
            return max((histogram.largest for histogram in histograms.values()), default=1)
        # All of the anchor is tail, and p is 1.
        return histograms[self.anchor_language].largest + 1 if self.anchor_language in histograms else 1


def candidate_of_tail_share(histograms: Histograms, p: float) -> Candidate:
    """The thresholds with which every language's tail share comes closest to p."""
    return Candidate(None, p, {language: histogram.threshold(p) for language, histogram in histograms.items()})


def pooled_tail_share(histograms: Histograms, thresholds: Mapping[str, int]) -> float:
    """The share of all languages' matches that are of tail entries."""
    total = sum(histogram.matches for histogram in histograms.values())
    tails = sum(histogram.tail(thresholds[language]) for language, histogram in histograms.items())
    return tails / total if total else 0.0


def unreachable_t(histograms: Histograms, rule: Rule, pairs: float) -> int:
    """The largest t that is known, from counts alone, to keep less than a number of pairs; 0 where none is."""
    low, high = 0, rule.largest_t(histograms)
    while high - low > 1:
        middle = (low + high) // 2
        thresholds = rule.candidate(histograms, middle).thresholds
        most = sum(histogram.most_kept(thresholds[language]) for language, histogram in histograms.items())
        low, high = (middle, high) if most < pairs else (low, middle)
    return low


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        t: Of the t that were tried, the one whose expectation is closest to the target.
        expected: What it is expected to keep.
        low: The largest t that is known to keep no more than the target.
        high: The smallest t that is known to keep no less; where not even the largest t reaches the target, that t.
        passes: How often pairs were read.
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

    The first pass takes a geometric grid. Each later one interpolates between the neighbours of the target and tries
    the t around it in distances that double: when the interpolation is off by d, at most about d numbers remain. On
    smooth expectations three passes leave one t; with an anchor language they have steps, where a remainder may be
    left, which `Found` names.

    Args:
        expected: Gives the expectation of each of several t from one pass over the pairs; it never falls with t.
        target: From 1.
        low: A t that keeps less than the target; 0 is one.
        high: A t that keeps all.
        passes: How often to read the pairs at most.

    Returns:
        The best t.
    """
    known: dict[int, float] = {0: 0.0}
    tried = _geometric(max(low, 1), high, _FIRST_STEPS)
    done = 0
    while tried and done < passes:
        known.update(zip(tried, expected(tried), strict=True))
        done += 1
        low = max(t for t, pairs in known.items() if pairs <= target)
        high = min((t for t, pairs in known.items() if pairs >= target), default=high)
        if low >= high:  # the target itself, or what not even the largest t reaches
            break
        tried = _around(_interpolated(known, low, high, target), low, high)
    best = min((t for t in known if t > 0), key=lambda t: (abs(known[t] - target), t))
    return Found(best, known[best], low, high, done)


def _geometric(low: int, high: int, steps: int) -> list[int]:
    """Whole numbers from low to high, in steps of about the same ratio."""
    high = max(low, high)
    between = (round(low * (high / low) ** (step / steps)) for step in range(steps))
    return sorted({*between, high})


def _interpolated(known: Mapping[int, float], low: int, high: int, target: float) -> int:
    """Where a power law through the expectations of two t meets the target."""
    below, above = known[low], known[high]
    spread = math.log(above) - math.log(below) if below > 0 else 0.0
    if spread == 0.0:  # expectations that differ in their last digits have the same logarithm
        return (low + high) // 2
    share = (math.log(target) - math.log(below)) / spread
    return round(low * float((high / low) ** share))


def _around(guess: int, low: int, high: int) -> list[int]:
    """A number between two others and those at distances 1, 2, 4, ... from it; none where nothing is between them."""
    inside = range(low + 1, high)
    if not inside:
        return []
    centre = min(max(guess, low + 1), high - 1)
    distances = [0, *(2**power for power in range((high - low).bit_length()))]
    return sorted({t for distance in distances for t in (centre - distance, centre + distance) if t in inside})
