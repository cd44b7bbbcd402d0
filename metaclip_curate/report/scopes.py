"""The charts' data: of all languages together, and of each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from metaclip_curate.report.chart import Data
from metaclip_curate.report.facts import Curation, EntryFact, EntryLists, Facts, LanguageFact, PairFacts, TriedT
from metaclip_curate.report.histograms import HeadAndTail, KeptHistogram, cumulative_curves, levels, ranked_counts

ALL = ""
_POINTS, _POINTS_OF_LANGUAGE = 90, 30
_LARGEST_LANGUAGES = 12
_BINS = 20
_ENTRY_CHARACTERS = 80  # more than page.js shows
LARGEST_HOSTS = 10


def scopes(facts: Facts) -> dict[str, dict[str, Any]]:
    """Returns everything in the page that changes with the selected language.

    Returns:
        For each language, and under ALL for all together: data by chart name, samples of entries, and numbers.
    """
    curation = facts.curation
    if curation is None:
        return {}
    found = {ALL: _scope(curation, curation.histograms, ALL, _POINTS)}
    for name in sorted(curation.histograms):
        found[name] = _scope(curation, {name: curation.histograms[name]}, name, _POINTS_OF_LANGUAGE)
    return found


def _scope(curation: Curation, histograms: Mapping[str, KeptHistogram], name: str, points: int) -> dict[str, Any]:
    chosen = curation.chosen
    thresholds = {language: chosen.thresholds[language] for language in histograms}
    total = reduce(
        add, (histograms[language].head(t) for language, t in thresholds.items()), HeadAndTail(0, 0, 0, 0, 0)
    )
    entries = sum(int(each.entries.sum()) for each in histograms.values())
    limit = "" if name == ALL else f"t = {thresholds[name]:,}"
    return {
        "charts": {
            "cumulative-counts": _cumulative(curation, histograms, name, points),
            "ranked-counts": _ranked(histograms, thresholds, points),
            "head-and-tail": {
                "x": ["before", "after"],
                "y": [["head", [total.head_before, total.head_after]], ["tail", [total.tail_before, total.tail_after]]],
            },
            "kept-by-t": _kept_by_t(curation, histograms, name),
        },
        "entries": _lists(curation.entries.get(name, EntryLists())),
        "numbers": {
            "threshold": limit,
            "entries": entries,
            "hit": sum(each.hit for each in histograms.values()),
            "head": total.entries,
            "head_before": _ratio(total.head_before, total.head_before + total.tail_before),
            "head_after": _ratio(total.head_after, total.head_after + total.tail_after),
        },
    }


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _cumulative(curation: Curation, histograms: Mapping[str, KeptHistogram], name: str, points: int) -> Data:
    candidates = _different(curation.limits, name)
    of = levels(histograms, [candidate.thresholds for _, candidate in candidates])
    curves = cumulative_curves(of, points)
    named = [["before", _whole(curves.before)], ["kept", _whole(curves.after)]]
    named += [[f"limit at {label}", _whole(row)] for (label, _), row in zip(candidates, curves.limited, strict=True)]
    return {"x": _whole(curves.ranks), "y": named}


def _different(candidates: Sequence[TriedT], name: str) -> list[tuple[str, TriedT]]:
    """Labels candidates; one for each t, since small languages have the same t under several candidates."""
    found: dict[str, TriedT] = {}
    for candidate in candidates:
        label = candidate.label if name == ALL else f"t = {candidate.thresholds[name]:,}"
        found.setdefault(label, candidate)
    return list(found.items())


def _ranked(histograms: Mapping[str, KeptHistogram], thresholds: Mapping[str, int], points: int) -> Data:
    curves = ranked_counts(levels(histograms, []), points)
    after = [value if value else None for value in _short(curves.after)]  # a logarithmic axis has no 0
    # Each language has its own t. The chart of all together shows that of the language with the most matches.
    largest = sorted(histograms, key=lambda name: (-histograms[name].matches, name))[:1]
    whose = f" of {largest[0]}" if len(set(thresholds.values())) > 1 else ""
    marks = [[thresholds[name], f"t{whose} = {thresholds[name]:,}"] for name in largest]
    return {"x": _whole(curves.ranks), "y": [["before", _short(curves.before)], ["kept", after]], "marks": marks}


def _kept_by_t(curation: Curation, histograms: Mapping[str, KeptHistogram], name: str) -> Data:
    """Returns data over what the candidates differ in for all languages, and over its own t for one language."""
    points: dict[float, float] = {}
    for tried in curation.tried:
        at = tried.position if name == ALL else tried.thresholds[name]
        points[at] = sum(tried.expected[language] for language in histograms)
    chosen = curation.chosen
    mark = (
        [chosen.position, chosen.label]
        if name == ALL
        else [chosen.thresholds[name], f"t = {chosen.thresholds[name]:,}"]
    )
    return {
        "x": [float(f"{at:.4g}") if isinstance(at, float) else at for at in sorted(points)],
        "y": [["expected", [round(points[at], 1) for at in sorted(points)]]],
        "marks": [mark],
    }


def _lists(lists: EntryLists) -> dict[str, list[list[Any]]]:
    def row(entry: EntryFact) -> list[Any]:
        return [entry.lang, entry.entry[:_ENTRY_CHARACTERS], entry.count, entry.kept]

    return {
        "thinned": [row(entry) for entry in lists.thinned],
        "whole": [row(entry) for entry in lists.whole],
        "unmatched": [row(entry)[:2] for entry in lists.unmatched],
    }


def fixed(facts: Facts) -> dict[str, Data]:
    """Returns data of the charts that don't depend on the language, by chart name."""
    tables = [("distinct", facts.pairs), ("kept", facts.curation.kept if facts.curation else None)]
    known = [(name, table) for name, table in tables if table]
    found: dict[str, Data] = {}
    if known:
        found["language-id-scores"] = _scores(known)
        found["text-lengths"] = _lengths(known)
        found["top-hosts"] = _hosts(known)
    if facts.curation:
        found["languages"] = _languages(facts.languages)
    if facts.funnel.steps:
        # Expected and kept pairs differ by less than can be seen.
        steps = [step for step in facts.funnel.steps if not step.part and step.key != "expected"]
        found["funnel"] = {"x": [step.name for step in steps], "y": [["pairs", [step.value for step in steps]]]}
    return found


def _scores(tables: Sequence[tuple[str, PairFacts]]) -> Data:
    bins = range(_BINS)
    return {
        "x": [*(round(each / _BINS, 2) for each in bins), 1.0],
        "y": [[name, [*(_of(table.scores.get(each, 0), table) for each in bins), 0.0]] for name, table in tables],
    }


def _lengths(tables: Sequence[tuple[str, PairFacts]]) -> Data:
    last = max((each for _, table in tables for each in table.lengths), default=0) + 1
    bins = range(last + 1)
    return {
        "x": [2**each for each in bins],
        "y": [[name, [_of(table.lengths.get(each, 0), table) for each in bins]] for name, table in tables],
    }


def _hosts(tables: Sequence[tuple[str, PairFacts]]) -> Data:
    """Returns the largest hosts of the first table and their shares in each table."""
    hosts = [host for host, _ in tables[0][1].hosts[:LARGEST_HOSTS]]
    return {
        "x": hosts,
        "y": [[name, [_of(dict(table.hosts).get(host, 0), table) for host in hosts]] for name, table in tables],
    }


def _languages(languages: Sequence[LanguageFact]) -> Data:
    largest = [each for each in languages if each.matched][:_LARGEST_LANGUAGES]
    matched, kept = sum(each.matched for each in languages), sum(each.kept or 0 for each in languages)
    return {
        "x": [each.name for each in largest],
        "y": [
            ["matched", [_ratio(each.matched, matched) for each in largest]],
            ["kept", [_ratio(each.kept or 0, kept) for each in largest]],
        ],
    }


def _of(rows: int, table: PairFacts) -> float:
    return float(f"{rows / table.pairs:.4g}") if table.pairs else 0.0


def _whole(values: Any) -> list[int]:
    return [round(float(value)) for value in values]


def _short(values: Any) -> list[float]:
    return [float(f"{float(value):.4g}") for value in values]
