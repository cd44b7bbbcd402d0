"""Thresholds from histograms equal those from counts, and the search finds the closest t in few passes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclip_curate import balance
from metaclip_curate.errors import UserError
from metaclip_curate.thresholds import (
    CountHistogram,
    Rule,
    candidate_of_tail_share,
    pooled_tail_share,
    search,
    unreachable_t,
)
from tests.support import made_run, oracle

counts_lists = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 1000), st.integers(0, 10**11)), min_size=1)
ts = st.one_of(st.integers(1, 10), st.integers(1, 10**12))


def histogram(counts: Sequence[int]) -> CountHistogram:
    values, entries = np.array(sorted(Counter(counts).items()), dtype=np.int64).T
    return CountHistogram(values, entries)


def ids(counts: Sequence[int]) -> np.ndarray:
    return np.array(counts, dtype=np.int64)


@settings(deadline=None)
@given(counts_lists, ts, st.floats(0, 1))
def test_a_histogram_says_what_the_counts_say(counts: list[int], t: int, p: float) -> None:
    made = histogram(counts)
    assert made.largest == max(counts)
    assert made.matches == sum(counts)
    assert made.tail_share(t) == balance.tail_share(ids(counts), t)
    assert made.threshold(p) == balance.threshold_for_tail_share(ids(counts), p)
    assert made.most_kept(t) == sum(min(t, count) for count in counts)


@settings(deadline=None)
@given(counts_lists, counts_lists, ts)
def test_rules_are_those_of_the_specification(english: list[int], german: list[int], t: int) -> None:
    languages = {"en": histogram(english), "de": histogram(german)}
    same = Rule(same_t=True).candidate(languages, t)
    assert same.thresholds == {"en": t, "de": t}
    assert same.tail_share == oracle.tail_share(english + german, t)
    if not sum(english):
        with pytest.raises(UserError, match=r"--tail-share P .* or --same-t"):
            Rule("en").candidate(languages, t)
        return
    followed = Rule("en").candidate(languages, t)
    p = oracle.tail_share(english, t)
    assert followed.tail_share == p
    assert followed.thresholds == {"en": t, "de": oracle.threshold_for_tail_share(german, p)}
    both = candidate_of_tail_share(languages, p)
    assert both.thresholds["en"] == oracle.threshold_for_tail_share(english, p)


def test_the_anchor_must_have_a_match() -> None:
    with pytest.raises(UserError, match="no text matched the anchor language xx"):
        Rule("xx").candidate({"en": histogram([1])}, 5)


def test_no_matches_have_no_tail_share() -> None:
    assert pooled_tail_share({"en": histogram([0, 0])}, {"en": 3}) == 0.0


@pytest.mark.parametrize("rule", [Rule("en"), Rule("de"), Rule(same_t=True)])
@pytest.mark.parametrize("target", [1, 150, 400, 700, 10_000])
def test_counts_alone_tell_a_t_that_keeps_too_few(rule: Rule, target: int) -> None:
    matched = made_run.matched_rows(images=400, seed=1)
    counts = oracle.count(matched, made_run.METADATA)
    by_language = oracle.counts_by_language(counts)
    histograms = {language: histogram(of_entries) for language, of_entries in by_language.items()}
    t = unreachable_t(histograms, rule, target)
    if t:
        thresholds = dict(rule.candidate(histograms, t).thresholds)
        assert oracle.expected_pairs(matched, counts, thresholds) < target
    everything = dict(rule.candidate(histograms, rule.largest_t(histograms)).thresholds)
    assert oracle.expected_pairs(matched, counts, everything) == len(matched)


# ---------------------------------------------------------------- search


class Passes:
    """Expectations that count how often they are asked for."""

    def __init__(self, expected: Callable[[int], float]) -> None:
        self.expected = expected
        self.sizes: list[int] = []

    def __call__(self, ts: Sequence[int]) -> list[float]:
        assert list(ts) == sorted(set(ts))
        assert ts[0] >= 1
        self.sizes.append(len(ts))
        return [self.expected(t) for t in ts]


def web_like(pairs: float, entries: int) -> Callable[[int], float]:
    """Expected pairs of a pool whose entry counts fall as 1 / rank, each pair with one entry."""
    ranks = np.arange(1, entries + 1)
    counts = np.maximum(1, (pairs / np.log(entries) / ranks).astype(np.int64))
    return lambda t: float(np.minimum(counts, t).sum())


@pytest.mark.parametrize("target", [3e6, 4e7, 4e8, 1.5e9])
def test_a_search_over_the_webs_counts_takes_three_passes(target: float) -> None:
    expected = web_like(1.6e9, 500_000)
    passes = Passes(expected)
    found = search(passes, target, 0, 200_000_000)
    if target > 1e9:  # where nearly all is kept, a t more or less makes no difference
        assert found.expected == pytest.approx(target, rel=1e-7)
    else:
        assert found.exact
        assert expected(found.t - 1) < target < expected(found.t + 1)
        assert abs(expected(found.t) - target) <= min(abs(expected(t) - target) for t in (found.t - 1, found.t + 1))
    assert found.expected == expected(found.t)
    assert found.passes == len(passes.sizes) <= 3
    assert max(passes.sizes) <= 60


increasing = st.lists(st.floats(0, 100), min_size=1, max_size=300).map(lambda steps: np.cumsum(steps))


@settings(deadline=None)
@given(increasing, st.floats(1, 20_000), st.integers(1, 6))
def test_a_search_is_as_good_as_it_says(expectations: np.ndarray, target: float, passes: int) -> None:
    asked = Passes(lambda t: float(expectations[t - 1]))
    high = len(expectations)
    found = search(asked, target, 0, high, passes)
    assert len(asked.sizes) == found.passes <= passes
    distances = np.abs(expectations - target)
    assert found.expected == expectations[found.t - 1]
    if found.exact:
        assert distances[found.t - 1] == distances.min()
    elif distances[found.t - 1] > distances.min():
        assert found.low < int(np.argmin(distances)) + 1 < found.high


def test_a_search_for_more_than_there_is() -> None:
    found = search(Passes(lambda t: min(t, 50.0)), 80, 0, 60)
    assert (found.expected, found.exact, found.low, found.high) == (50.0, True, 60, 60)


def test_a_search_for_less_than_the_smallest_t_keeps() -> None:
    found = search(Passes(lambda t: 100.0 + t), 7, 0, 1000)
    assert (found.t, found.exact) == (1, True)


def test_a_search_where_one_t_is_left() -> None:
    found = search(Passes(lambda t: 3.0 * t), 4, 0, 1)
    assert (found.t, found.expected, found.passes) == (1, 3.0, 1)


def test_a_search_over_steps_names_what_is_left() -> None:
    # A step at 700,001 that a power law says nothing about.
    def expected(t: int) -> float:
        return math.log1p(t) + (1000.0 if t > 700_000 else 0.0)

    found = search(Passes(expected), 500, 0, 10**6, passes=1)
    assert not found.exact
    assert found.low <= 700_000 < found.high
    exact = search(Passes(expected), 500, 0, 10**6, passes=20)
    assert exact.exact
    assert (exact.low, exact.high) == (700_000, 700_001)


def test_a_search_between_expectations_that_hardly_differ() -> None:
    found = search(Passes(lambda t: 4e8 + (t - 500.5) * 1e-7), 400_000_000, 0, 1000)
    assert found.expected == pytest.approx(4e8, rel=1e-15)
