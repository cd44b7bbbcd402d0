"""The t that a report compares."""

from __future__ import annotations

import pytest

from metaclip_curate.report import grid
from metaclip_curate.report.grid import choices_around, head_size, limits_around
from metaclip_curate.thresholds import Choice, Rule, choice_of_tail_share
from tests.support.made_facts import histogram

HISTOGRAMS = {"en": histogram(500, 1), "de": histogram(100, 2)}


@pytest.mark.parametrize("rule", [Rule("en"), Rule("en", same_t=True)])
def test_choices_rise_to_all_with_the_runs_among_them(rule: Rule) -> None:
    chosen = rule.choice(HISTOGRAMS, 40)
    choices = choices_around(HISTOGRAMS, rule, chosen)
    ts = [choice.t for choice in choices if choice.t is not None]
    assert ts == sorted(set(ts))
    assert sum(choice is chosen for choice in choices) == 1
    assert ts[0] < 40 < ts[-1]
    assert head_size(HISTOGRAMS, choices[-1]) == 0
    assert [choice.t for choice in limits_around(HISTOGRAMS, rule, chosen)] == [10, 40, 160]


def test_of_a_tail_share() -> None:
    chosen = choice_of_tail_share(HISTOGRAMS, 0.3)
    shares = [choice.tail_share for choice in choices_around(HISTOGRAMS, None, chosen)]
    assert shares == sorted(set(shares))
    assert shares[-1] == pytest.approx(1.0)
    assert 0.3 in shares
    assert [choice.tail_share for choice in limits_around(HISTOGRAMS, None, chosen)] == [0.075, 0.3, 1.0]


def test_no_choice_has_a_head_that_a_task_cannot_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule("en")
    chosen = rule.choice(HISTOGRAMS, 40)
    limit = head_size(HISTOGRAMS, chosen) + 50
    monkeypatch.setattr(grid, "_LARGEST_HEAD", limit)
    choices = choices_around(HISTOGRAMS, rule, chosen)
    assert len(choices) > 1
    assert max(head_size(HISTOGRAMS, choice) for choice in choices) <= limit


def test_a_run_without_matches() -> None:
    chosen = Choice(20, 0.0, {})
    assert choices_around({}, Rule("en"), chosen) == limits_around({}, Rule("en"), chosen) == [chosen]
