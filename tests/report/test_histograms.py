"""Curves of entries, against their definitions on the entries themselves."""

from __future__ import annotations

import numpy as np
import pytest

from metaclip_curate.report.histograms import KeptHistogram, cumulative_curves, levels, ranked_counts

COUNTS = {"en": [0, 0, 1, 1, 4, 9, 9, 200], "de": [0, 3, 4, 50]}
KEPT = {"en": [0, 0, 1, 1, 4, 8, 6, 20], "de": [0, 3, 4, 15]}
THRESHOLDS = {"en": 8, "de": 5}


def histogram(name: str) -> KeptHistogram:
    values = sorted(set(COUNTS[name]))
    pairs = list(zip(COUNTS[name], KEPT[name], strict=True))
    rows = [(v, COUNTS[name].count(v), sum(kept for count, kept in pairs if count == v)) for v in values]
    return KeptHistogram(*np.array(rows, dtype=np.int64).T)


@pytest.fixture
def histograms() -> dict[str, KeptHistogram]:
    return {name: histogram(name) for name in COUNTS}


def entries(names: list[str]) -> list[tuple[int, int, int]]:
    """(count, kept, min(t, count)) of the entries with a text, in ascending order."""
    rows = [
        (count, kept, min(count, THRESHOLDS[name]))
        for name in names
        for count, kept in zip(COUNTS[name], KEPT[name], strict=True)
        if count
    ]
    return sorted(rows)


@pytest.mark.parametrize("names", [["en"], ["de"], ["en", "de"]])
def test_cumulative_counts(histograms: dict[str, KeptHistogram], names: list[str]) -> None:
    curves = cumulative_curves(levels({name: histograms[name] for name in names}, [THRESHOLDS]), points=300)
    rows = entries(names)
    assert list(curves.ranks) == list(range(len(rows), 0, -1))
    running = np.cumsum(rows, axis=0)
    assert list(curves.before) == list(running[:, 0])
    # Kept texts of equal counts are known as a sum only, so the curve is exact where the count changes.
    ends = [place for place, row in enumerate(rows) if place + 1 == len(rows) or row[0] != rows[place + 1][0]]
    assert [curves.after[place] for place in ends] == [running[place, 1] for place in ends]
    if len(names) == 1:
        assert list(curves.limited[0]) == list(running[:, 2])
    assert curves.limited[0][-1] == running[-1, 2]


def test_ranked_counts_in_bands_keep_the_sum(histograms: dict[str, KeptHistogram]) -> None:
    of = levels(histograms, [])
    for points in (1, 3, 100):
        curves = ranked_counts(of, points)
        widths = np.diff([*curves.ranks, len(entries(["en", "de"])) + 1])
        assert (curves.before * widths).sum() == pytest.approx(sum(map(sum, COUNTS.values())))
        assert (curves.after * widths).sum() == pytest.approx(sum(map(sum, KEPT.values())))
    assert list(curves.before) == sorted((row[0] for row in entries(["en", "de"])), reverse=True)


def test_head_and_tail(histograms: dict[str, KeptHistogram]) -> None:
    en, de = (histograms[name].head(THRESHOLDS[name]) for name in ("en", "de"))
    assert (en.entries, en.head_before, en.tail_before, en.head_after, en.tail_after) == (3, 218, 6, 34, 6)
    assert (en + de).head_before == 218 + 50
    assert histograms["en"].hit == 6


def test_nothing_matched() -> None:
    nothing = KeptHistogram(*np.array([[0], [5], [0]], dtype=np.int64))
    for histograms in ({}, {"en": nothing}):
        curves = cumulative_curves(levels(histograms, [{"en": 3}]), 30)
        assert len(curves.ranks) == 0
        assert len(ranked_counts(levels(histograms, []), 30).ranks) == 0
