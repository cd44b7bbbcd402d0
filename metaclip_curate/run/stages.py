"""The stages of a run, in their order, and the tables that each writes."""

from __future__ import annotations

STAGES = ("extract", "dedup", "match", "count", "balance", "sample")
TABLES = {
    "extract": ("pairs", "inputs"),
    "dedup": ("distinct",),
    "match": ("matched", "screened"),
    "count": ("counts",),
    "balance": ("thresholds",),
    "sample": ("manifest",),
}


def stages_before(stage: str) -> tuple[str, ...]:
    """Returns the stages before a stage."""
    return STAGES[: STAGES.index(stage)]


def stages_from(stage: str) -> tuple[str, ...]:
    """Returns a stage and those after it."""
    return STAGES[STAGES.index(stage) :]


def remedy(stage: str) -> str:
    """Returns what to do about a missing or damaged file of a stage's tables, for messages."""
    return f"put a whole copy in its place, or give the command that made the run again with --again-from {stage}"
