"""The candidate thresholds of a report's curves: from far below the run's own to those that keep every pair."""

from __future__ import annotations

import numpy as np

from metaclip_curate.thresholds import Candidate, Histograms, Rule, candidate_of_tail_share

_STEPS = 20
# Each task receives every candidate's entry probabilities: for 20 candidates this many take 32 MB.
_LARGEST_HEAD = 200_000
# Largest ratio of the run's t to the smallest candidate's.
_SMALLEST = 64


def candidates_around(histograms: Histograms, rule: Rule, chosen: Candidate) -> list[Candidate]:
    """Returns candidates below and above a run's thresholds, in steps of about the same ratio.

    Args:
        histograms: Histograms of the entry counts by language.
        rule: The run's rule.
        chosen: The run's thresholds.

    Returns:
        Candidates in ascending order, `chosen` among them. The smallest has a head that fits into a task.
    """
    if not histograms:
        return [chosen]
    if chosen.t is None:
        shares = np.geomspace(max(chosen.tail_share / _SMALLEST, 1e-4), 1.0, _STEPS)
        found = [candidate_of_tail_share(histograms, float(share)) for share in shares]
        below = [each for each in found if each.tail_share < chosen.tail_share]
        above = [each for each in found if each.tail_share > chosen.tail_share]
    else:
        largest = max(rule.largest_t(histograms), 2)
        smallest = max(1, min(chosen.t, largest) // _SMALLEST)
        ts = np.unique(np.rint(np.geomspace(smallest, largest, _STEPS)).astype(np.int64))
        below = [rule.candidate(histograms, int(t)) for t in ts if t < chosen.t]
        above = [rule.candidate(histograms, int(t)) for t in ts if t > chosen.t]
    return [*(each for each in below if head_size(histograms, each) <= _LARGEST_HEAD), chosen, *above]


def limits_around(histograms: Histograms, rule: Rule, chosen: Candidate) -> list[Candidate]:
    """Returns thresholds for a quarter of the run's t or tail share, for its own, and for four times it."""
    if not histograms:
        return [chosen]
    if chosen.t is None:
        shares = (chosen.tail_share / 4, min(1.0, chosen.tail_share * 4))
        quarter, fourfold = (candidate_of_tail_share(histograms, share) for share in shares)
    else:
        quarter, fourfold = (rule.candidate(histograms, t) for t in (max(1, chosen.t // 4), chosen.t * 4))
    return [quarter, chosen, fourfold]


def head_size(histograms: Histograms, candidate: Candidate) -> int:
    """Returns the number of entries that a candidate down-samples."""
    return sum(int(each.entries[each.counts > candidate.thresholds[name]].sum()) for name, each in histograms.items())
