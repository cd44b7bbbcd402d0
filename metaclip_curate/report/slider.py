"""What page.js computes the charts and numbers at another t from.

The slider stops at each t that the run's expectations were computed for, so that no number is interpolated. Of a
language, page.js computes limits from the curve before the draw. Of all languages together it can't, since each has
its own t; these limits are given.
"""

from __future__ import annotations

from typing import Any

from metaclip_curate.report.facts import Curation, EntryFact, EntryLists
from metaclip_curate.report.histograms import cumulative_curves, levels, ranked_counts
from metaclip_curate.report.scopes import ALL, histograms_of, points_of, positive, short, whole

ENTRY_CHARACTERS = 80  # more than page.js shows


def stops(curation: Curation) -> dict[str, Any]:
    """Returns the slider's stops.

    Returns:
        The `name` of what is chosen; `labels`, `positions` and `expected` pairs of the stops; `chosen`, the run's own
        stop; and for each language lists with a value for each stop: `t`, `expected` pairs, the number of `head`
        entries and their `matches`.
    """
    languages = {}
    for name, histogram in sorted(curation.histograms.items()):
        thresholds = [tried.thresholds[name] for tried in curation.tried]
        heads = [histogram.head(t) for t in thresholds]
        languages[name] = {
            "t": thresholds,
            "expected": [round(tried.expected[name], 1) for tried in curation.tried],
            "head": [head.entries for head in heads],
            "matches": [head.head_before for head in heads],
        }
    return {
        "name": curation.position_name,
        "labels": [tried.label for tried in curation.tried],
        "positions": [float(f"{tried.position:.4g}") for tried in curation.tried],
        "chosen": next(place for place, tried in enumerate(curation.tried) if tried.chosen),
        "expected": [round(sum(tried.expected.values()), 1) for tried in curation.tried],
        "languages": languages,
    }


def scope(curation: Curation, name: str) -> dict[str, Any]:
    """Returns the curves, samples of entries and numbers of a scope.

    Args:
        curation: The finished run.
        name: A language, or `scopes.ALL`.
    """
    histograms = histograms_of(curation, name)
    thresholds = [tried.thresholds for tried in curation.tried] if name == ALL else []
    of = levels(histograms, thresholds)
    cumulative, ranked = cumulative_curves(of, points_of(name)), ranked_counts(of, points_of(name))
    curves = {
        "cumulative-counts": {
            "x": whole(cumulative.ranks),
            "before": whole(cumulative.before),
            "kept": whole(cumulative.after),
            **({"limited": [whole(row) for row in cumulative.limited]} if name == ALL else {}),
        },
        "ranked-counts": {
            "x": whole(ranked.ranks),
            "before": short(ranked.before),
            "kept": positive(short(ranked.after)),
            **({"limited": [short(row) for row in ranked.limited]} if name == ALL else {}),
        },
    }
    chosen = [each.head(curation.chosen.thresholds[language]) for language, each in histograms.items()]
    return {
        "curves": curves,
        "entries": _lists(curation.entries.get(name, EntryLists()), name),
        "numbers": {
            "entries": sum(each.size for each in histograms.values()),
            "hit": sum(each.hit for each in histograms.values()),
            "matches": sum(each.matches for each in histograms.values()),
            "after": [sum(each.head_after for each in chosen), sum(each.tail_after for each in chosen)],
        },
    }


def _lists(lists: EntryLists, name: str) -> dict[str, list[list[Any]]]:
    """Returns rows of language, entry, count and kept texts; of unmatched entries, of language and entry."""
    return {
        "thinned": [_row(entry) for entry in lists.thinned],
        "whole": [_row(entry) for entry in lists.whole],
        "unmatched": [_row(entry)[:2] for entry in lists.unmatched],
        # All languages' together are those of each language.
        **({} if name == ALL else {"frequent": [_row(entry)[1:] for entry in lists.frequent]}),
    }


def _row(entry: EntryFact) -> list[Any]:
    return [entry.lang, entry.entry[:ENTRY_CHARACTERS], entry.count, entry.kept]
