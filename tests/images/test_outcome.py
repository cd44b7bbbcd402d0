"""The result of a download, from the statistics of its shards."""

from __future__ import annotations

from metaclip_curate.images.outcome import outcome_of


def test_reasons_are_added_up_over_shards_and_lost_samples_counted() -> None:
    shards = [
        {"count": 10, "status_dict": {"success": 6, "timed out": 1, "IncompleteRead(7 bytes read)": 1}},
        {"count": 5, "status_dict": {"success": 2, "IncompleteRead(9 bytes read, 3 more expected)": 3}},
    ]
    outcome = outcome_of(shards, 4)
    assert (outcome.rows, outcome.fetched, outcome.shards) == (15, 8, 4)
    assert list(outcome.reasons.items()) == [("IncompleteRead", 4), ("lost", 2), ("timed out", 1)]
    assert outcome.rows == outcome.fetched + sum(outcome.reasons.values())
