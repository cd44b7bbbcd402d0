"""The t that a report compares."""

from __future__ import annotations

import pytest

from metaclip_curate.report import grid
from metaclip_curate.report.grid import candidates_around, head_size, limits_around
from metaclip_curate.thresholds import Candidate, Rule
from tests.support.made_facts import histogram

HISTOGRAMS = {"en": histogram(500, 1), "de": histogram(100, 2)}


@pytest.mark.parametrize("rule", [Rule("en"), Rule("en", same_t=True)])
def test_candidates_rise_to_all_with_the_runs_among_them(rule: Rule) -> None:
    chosen = rule.candidate(HISTOGRAMS, 40)
    candidates = candidates_around(HISTOGRAMS, rule, chosen)
    ts = [candidate.t for candidate in candidates if candidate.t is not None]
    assert ts == sorted(set(ts))
    assert sum(candidate is chosen for candidate in candidates) == 1
    assert ts[0] < 40 < ts[-1]
    assert head_size(HISTOGRAMS, candidates[-1]) == 0
    assert [candidate.t for candidate in limits_around(HISTOGRAMS, rule, chosen)] == [10, 40, 160]


def test_of_a_tail_share() -> None:
    rule = Rule(tail_share=0.3)
    chosen = rule.candidate(HISTOGRAMS, 20)
    shares = [candidate.tail_share for candidate in candidates_around(HISTOGRAMS, rule, chosen)]
    assert shares == sorted(set(shares))
    assert shares[-1] == pytest.approx(1.0)
    assert 0.3 in shares
    assert [candidate.tail_share for candidate in limits_around(HISTOGRAMS, rule, chosen)] == [
        0.075,
        0.3,
        1.0,
    ]


def test_no_choice_has_a_head_that_a_task_cannot_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule("en")
    chosen = rule.candidate(HISTOGRAMS, 40)
    limit = head_size(HISTOGRAMS, chosen) + 50
    monkeypatch.setattr(grid, "_LARGEST_HEAD", limit)
    candidates = candidates_around(HISTOGRAMS, rule, chosen)
    assert len(candidates) > 1
    assert max(head_size(HISTOGRAMS, candidate) for candidate in candidates) <= limit


def test_a_run_without_matches() -> None:
    chosen = Candidate(20, 0.0, {})
    assert candidates_around({}, Rule("en"), chosen) == limits_around({}, Rule("en"), chosen) == [chosen]
