"""The charts' data: of all languages together, and of each language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from metaclip_curate.report.chart import Data
from metaclip_curate.report.facts import Curation, Facts, LanguageFact, PairFacts, TriedT
from metaclip_curate.report.histograms import HeadAndTail, KeptHistogram, cumulative_curves, levels, ranked_counts

ALL = ""
_POINTS, _POINTS_OF_LANGUAGE = 90, 30
_LARGEST_LANGUAGES = 12
_BINS = 20
LARGEST_HOSTS = 10


def scopes(facts: Facts) -> list[str]:
    """Returns the languages that have charts of their own, after ALL, which stands for all of them together."""
    return [ALL, *sorted(facts.curation.histograms)] if facts.curation else []


def histograms_of(curation: Curation, name: str) -> Mapping[str, KeptHistogram]:
    """Returns the histograms of a scope by language."""
    return curation.histograms if name == ALL else {name: curation.histograms[name]}


def points_of(name: str) -> int:
    """Returns the approximate number of points of a scope's curves."""
    return _POINTS if name == ALL else _POINTS_OF_LANGUAGE


def charts(curation: Curation, name: str) -> dict[str, Data]:
    """Returns the data of a scope's charts at the run's own thresholds, by chart name."""
    histograms, points = histograms_of(curation, name), points_of(name)
    thresholds = {language: curation.chosen.thresholds[language] for language in histograms}
    heads = {language: each.head(thresholds[language]) for language, each in histograms.items()}
    total = reduce(add, heads.values(), HeadAndTail(0, 0, 0, 0, 0))
    limited = sum(head.entries * thresholds[language] for language, head in heads.items())
    return {
        "kept-by-t": _kept_by_t(curation, histograms, name),
        "cumulative-counts": _cumulative(curation, histograms, name, points),
        "ranked-counts": _ranked(histograms, thresholds, points),
        "head-and-tail": {
            "x": ["before", "at most t", "kept"],
            "y": [
                ["head", [total.head_before, limited, total.head_after]],
                ["tail", [total.tail_before, total.tail_before, total.tail_after]],
            ],
        },
    }


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _cumulative(curation: Curation, histograms: Mapping[str, KeptHistogram], name: str, points: int) -> Data:
    candidates = _different(curation.limits, name)
    of = levels(histograms, [candidate.thresholds for _, candidate in candidates])
    curves = cumulative_curves(of, points)
    named = [["before", whole(curves.before)], ["kept", whole(curves.after)]]
    named += [[f"limit at {label}", whole(row)] for (label, _), row in zip(candidates, curves.limited, strict=True)]
    return {"x": whole(curves.ranks), "y": named}


def _different(candidates: Sequence[TriedT], name: str) -> list[tuple[str, TriedT]]:
    """Labels candidates; one for each t, since small languages have the same t under several candidates."""
    found: dict[str, TriedT] = {}
    for candidate in candidates:
        label = candidate.label if name == ALL else f"t = {candidate.thresholds[name]:,}"
        found.setdefault(label, candidate)
    return list(found.items())


def _ranked(histograms: Mapping[str, KeptHistogram], thresholds: Mapping[str, int], points: int) -> Data:
    curves = ranked_counts(levels(histograms, [thresholds]), points)
    # Each language has its own t. The chart of all together shows that of the language with the most matches.
    largest = sorted(histograms, key=lambda name: (-histograms[name].matches, name))[:1]
    whose = f" ({largest[0]})" if len(set(thresholds.values())) > 1 else ""
    marks = [[thresholds[name], f"t = {thresholds[name]:,}{whose}"] for name in largest]
    named = [["before", short(curves.before)], ["kept", positive(short(curves.after))]]
    named += [["limit at t", short(row)] for row in curves.limited]
    return {"x": whole(curves.ranks), "y": named, "marks": marks}


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


def positive(values: Sequence[float]) -> list[float | None]:
    """Replaces zeros, which a logarithmic axis doesn't have."""
    return [value if value else None for value in values]


def whole(values: Any) -> list[int]:
    """Returns whole numbers."""
    return [round(float(value)) for value in values]


def short(values: Any) -> list[float]:
    """Returns numbers with four digits."""
    return [float(f"{float(value):.4g}") for value in values]
