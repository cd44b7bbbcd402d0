"""The counts of matching tasks, added up, without Spark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from metaclip_curate.run.record import MatchCounts
from metaclip_curate.run.summaries import LanguageMatches, MatchSummary
from metaclip_curate.stages.match_task import NO_METADATA


def match_summary(counts: Mapping[str, Sequence[MatchCounts]], rules: Mapping[str, int], metadata: str) -> MatchSummary:
    """Adds up counts.

    Args:
        counts: Counts of each metadata language, and of NO_METADATA.
        rules: Number of pairs that were rejected for their host's policy, by rule.
        metadata: Path or URL of the metadata folder.
    """
    rows = {language: _language_matches(language, of_parts) for language, of_parts in sorted(counts.items())}
    without = rows.pop(NO_METADATA, LanguageMatches(NO_METADATA, 0, 0))
    return MatchSummary(
        languages=tuple(rows.values()),
        no_metadata=without.distinct - sum(without.screened.values()),
        screened_without_metadata=without.screened,
        policy_rules=dict(sorted(rules.items())),
        metadata=metadata,
    )


def _language_matches(language: str, parts: Sequence[MatchCounts]) -> LanguageMatches:
    screened: Counter[str] = Counter()
    for counts in parts:
        screened.update(counts.screened)
    return LanguageMatches(
        language,
        sum(counts.distinct for counts in parts),
        sum(counts.matched for counts in parts),
        sum(counts.occurrences for counts in parts),
        dict(sorted(screened.items())),
    )
