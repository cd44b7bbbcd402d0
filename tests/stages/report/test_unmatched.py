"""A pair without a match is distinguished from one without metadata for its language."""

from __future__ import annotations

from typing import Any

from metaclip_curate.report.facts import SampledPair
from metaclip_curate.stages.report.unmatched import EITHER, NO_METADATA, UNMATCHED, with_languages

DEDUP: dict[str, Any] = {"lid_fallback": "none", "min_lid_score": 0.4}
MATCH: dict[str, Any] = {"metadata_digests": {"en": "", "de": ""}}
PAIRS = [
    SampledPair(f"{number}", "a text", lang, score, "host.example", fate)
    for number, (lang, score, fate) in enumerate(
        [("en", 0.9, UNMATCHED), ("th", 0.9, UNMATCHED), ("th", 0.3, UNMATCHED), ("th", 0.9, "rejected")]
    )
]


def fates(dedup: dict[str, Any], match: dict[str, Any]) -> list[str]:
    return [pair.fate for pair in with_languages(PAIRS, dedup, match)]


def test_the_words_are_those_of_the_funnel() -> None:
    assert fates(DEDUP, MATCH) == ["without a match", *["without metadata for its language"] * 2, "rejected"]


def test_a_list_other_takes_all_languages() -> None:
    assert fates(DEDUP, {"metadata_digests": {"en": "", "other": ""}}) == [*[UNMATCHED] * 3, "rejected"]


def test_a_language_that_only_the_run_knows_is_left_open() -> None:
    assert fates(DEDUP | {"lid_fallback": "page"}, MATCH) == [UNMATCHED, NO_METADATA, EITHER, "rejected"]
    assert fates(DEDUP, MATCH | {"language_table_digest": "another"}) == [*[EITHER] * 3, "rejected"]
