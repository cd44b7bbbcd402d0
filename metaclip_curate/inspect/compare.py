"""What differs between two runs: from their data cards, and from their manifests pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_NOT_COMPARED = ("command", "format", "languages")


@dataclass(frozen=True)
class Difference:
    """A value that differs between two runs; None in a run that doesn't have it."""

    name: str
    before: Any
    after: Any


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Compares two data cards, except for the languages' numbers and the commands.

    Args:
        before: Content of one run's datacard.json.
        after: Content of the other's.

    Returns:
        The values that differ, in the order of the data cards, with the names of nested fields joined by dots.
    """
    mine, theirs = dict(_flat(before)), dict(_flat(after))
    names = list(dict.fromkeys([*mine, *theirs]))
    return [Difference(name, mine.get(name), theirs.get(name)) for name in names if mine.get(name) != theirs.get(name)]


def _flat(datacard: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in datacard.items():
        if not prefix and name in _NOT_COMPARED:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@dataclass(frozen=True)
class LanguageChange:
    """A language in two runs; a run without the language has 0, and None for t and shares.

    Attributes:
        metadata_lang: The language.
        t: Its threshold in each run.
        matched: Number of matched pairs in each run.
        kept: Number of pairs in each manifest.
        head_share: Share of head entries in the matches of each manifest.
        both: Number of pairs in both manifests.
        lost: Number of pairs in the first manifest only.
        gained: Number of pairs in the second manifest only.
        other_probability: Number of pairs in both manifests with different keep probabilities.
    """

    metadata_lang: str
    t: tuple[int | None, int | None]
    matched: tuple[int, int]
    kept: tuple[int, int]
    head_share: tuple[float | None, float | None]
    both: int
    lost: int
    gained: int
    other_probability: int


def language_changes(
    before: dict[str, Any], after: dict[str, Any], pairs: list[dict[str, Any]]
) -> list[LanguageChange]:
    """Compares the languages of two runs.

    Args:
        before: Content of one run's datacard.json.
        after: Content of the other's.
        pairs: Counts from `stages.after.compare.compare_manifests`.

    Returns:
        All languages of both runs, those with the most lost and gained pairs first.
    """
    datacards = [{row["metadata_lang"]: row for row in datacard["languages"]} for datacard in (before, after)]
    counted = {row["metadata_lang"]: row for row in pairs}
    changes = []
    for language in sorted({*datacards[0], *datacards[1], *counted}):
        mine, theirs = (datacard.get(language, {}) for datacard in datacards)
        numbers = counted.get(language, {})
        changes.append(
            LanguageChange(
                language,
                (mine.get("t"), theirs.get("t")),
                (mine.get("pairs_in", 0), theirs.get("pairs_in", 0)),
                (mine.get("pairs_out", 0), theirs.get("pairs_out", 0)),
                (_head_share(mine), _head_share(theirs)),
                *(numbers.get(name, 0) for name in ("both", "lost", "gained", "other_probability")),
            )
        )
    return sorted(changes, key=lambda change: -(change.lost + change.gained))


def _head_share(row: dict[str, Any]) -> float | None:
    head, tail = row.get("head_matches_out", 0), row.get("tail_matches_out", 0)
    return head / (head + tail) if head + tail else None
