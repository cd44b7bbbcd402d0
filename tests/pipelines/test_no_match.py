"""What is said of a run in which no text matched."""

from __future__ import annotations

from metaclip_curate.pipelines.no_match import why_none_matched
from metaclip_curate.run.summaries import LanguageMatches, MatchSummary


def test_the_reasons_are_named_with_their_numbers() -> None:
    language = LanguageMatches("en", 1_005, 0, screened={"private_address": 1_000})
    summary = MatchSummary(languages=(language,), no_metadata=2, metadata="lists")
    assert why_none_matched(summary) == (
        "of 1,007 unique pairs none matched: 1,000 at a private address, 2 without metadata for their language, "
        "5 without an entry"
    )


def test_nothing_to_match() -> None:
    assert why_none_matched(MatchSummary(languages=(), no_metadata=0, metadata="lists")) == "there is no pair to match"
