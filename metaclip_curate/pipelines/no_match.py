"""Why no text of a run matched: later stages then fail before the table of all stages is printed."""

from __future__ import annotations

from metaclip_curate.console.wording import counted
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.screens.reasons import REASON_NAMES


def why_none_matched(summary: MatchSummary) -> str:
    """Returns what became of the pairs of a run in which no text matched.

    Args:
        summary: The result of matching.
    """
    if not summary.distinct:
        return "there is no pair to match"
    rejected = [(pairs, REASON_NAMES[reason]) for reason, pairs in summary.screened.items()]
    others = [(summary.no_metadata, "without metadata for their language"), (summary.unmatched, "without an entry")]
    parts = [f"{pairs:,} {name}" for pairs, name in (*rejected, *others) if pairs]
    return f"of {counted(summary.distinct, 'unique pair')} none matched: {', '.join(parts)}"
