"""What each source gave to a list, and what is suspicious about it: for the console and sources.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metaclip_curate.metadata.building.merge import Taken
from metaclip_curate.options.merge_metadata import Limits, paper_preset

SHORT_LIST = 1_000
_MOST_NAMED = 5


@dataclass(frozen=True)
class SourceReport:
    """What one source gave to a list.

    Attributes:
        name: Name of the source.
        wikipedia: Code of the Wikipedia; empty for a source that belongs to the language.
        candidates: Number of its strings that could be entries.
        taken: What the list took.
        score: Name of its score; empty without scores.
        strings: Further numbers of its strings, for sources.json: `rows`, `only_punctuation`, `too_long`, `usable` and
            the `highest` score; for bigrams the lowest count, and for titles the number of lines of the page views.
    """

    name: str
    wikipedia: str
    candidates: int
    taken: Taken
    score: str = ""
    strings: Mapping[str, float | None] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as in sources.json."""
        taken = self.taken
        return {
            "name": self.name,
            "wikipedia": self.wikipedia,
            "candidates": self.candidates,
            "limit": taken.limit,
            "taken": taken.taken,
            "last": taken.last,
            "last_score": taken.last_score,
            "entries": taken.entries,
            "repeats": taken.repeats,
            **self.strings,
        }

    def line(self, several: bool) -> str:
        """Describes the source in a line.

        Args:
            several: Whether the language has several Wikipedias.
        """
        taken = self.taken
        name = f"{self.name} of {self.wikipedia}" if several and self.wikipedia else self.name
        limit = "" if taken.limit is None else f", limit {taken.limit:,}"
        text = f"{name}: {self.candidates:,} candidates{limit}, {taken.taken:,} taken"
        if several and self.wikipedia and taken.entries != taken.taken:
            text += f", {taken.entries:,} of them new"
        if taken.last is not None:
            score = "" if taken.last_score is None else f" with {self.score} {taken.last_score:,.10g}"
            text += f", the last {taken.last!r}{score}"
        return text


def warnings_of(language: str, limits: Limits, reports: Sequence[SourceReport], entries: int) -> list[str]:
    """Returns what is suspicious about a list, each with the source and the number.

    Args:
        language: The metadata language.
        limits: The limits of its sources.
        reports: What each source gave.
        entries: Number of entries of the list.
    """
    found = []
    of_papers = paper_preset(language)
    if limits.preset != of_papers:
        found.append(
            f"--preset {limits.preset} isn't the papers' preset of {language}, which is {of_papers}: with it the list "
            f"has {entries:,} entries"
        )
    for name in dict.fromkeys(report.name for report in reports if report.score):
        found += _empty([report for report in reports if report.name == name])
    if entries < SHORT_LIST:
        by_name: dict[str, int] = {}
        for report in reports:
            by_name[report.name] = by_name.get(report.name, 0) + report.taken.entries
        parts = ", ".join(f"{name} {number:,}" for name, number in by_name.items())
        found.append(f"the list has only {entries:,} entries ({parts}): a list of a whole Wikipedia has many thousands")
    return found


def _empty(reports: Sequence[SourceReport]) -> list[str]:
    """Returns a warning about a source of which nothing was taken, although its limit allows some."""
    empty = [report for report in reports if not report.taken.taken and report.taken.limit != 0]
    if not empty:
        return []
    if len(reports) == 1:
        return [f"{empty[0].name}: none was taken, {_reason(empty[0])}"]
    codes = [report.wikipedia for report in empty]
    named = ", ".join(codes[:_MOST_NAMED]) + (", ..." if len(codes) > _MOST_NAMED else "")
    return [f"{empty[0].name}: none was taken from {len(codes):,} of {len(reports):,} Wikipedias ({named})"]


def _reason(report: SourceReport) -> str:
    if not report.strings.get("rows"):
        lowest = report.strings.get("lowest_count")
        if lowest:
            return f"0 pairs occur {lowest:,} times or more"
        return f"0 of {report.strings.get('lines', 0):,} lines of the page views count for {report.wikipedia}"
    if not report.candidates:
        usable, highest = report.strings.get("usable") or 0, report.strings.get("highest")
        if highest is None:
            return f"0 of {report.strings['rows']:,} strings can be entries"
        return f"0 of {usable:,} have the lowest {report.score}; the highest is {highest:,.4g}"
    return f"all {report.taken.repeats:,} candidates are in the list already"
