"""What became of a distinct pair of a run, and how its tables decide it."""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """What became of a pair. The values are those of the column `fate`."""

    KEPT = "kept"
    NOT_DRAWN = "not_drawn"
    OTHER_TEXT = "other_text"
    REMOVED = "removed"
    SCREENED = "screened"
    UNMATCHED = "unmatched"
    NO_METADATA = "no_metadata"


FATE_NAMES = {
    Fate.KEPT: "kept in the manifest",
    Fate.NOT_DRAWN: "matched, but not drawn",
    Fate.OTHER_TEXT: "matched, but another text of the image was selected",
    Fate.REMOVED: "taken down after the run",
    Fate.SCREENED: "rejected by a screen",
    Fate.UNMATCHED: "without a match",
    Fate.NO_METADATA: "without metadata for its language",
}

# Spark and DuckDB both read this expression. Its columns are `kept`, `is_matched`, `removed` and `drawing` (true or
# false), `reason` (null unless a screen rejected the pair) and `metadata_lang` (empty without a list for the pair).
FATE_SQL = f"""CASE
    WHEN kept THEN '{Fate.KEPT}'
    WHEN reason IS NOT NULL THEN '{Fate.SCREENED}'
    WHEN is_matched AND removed THEN '{Fate.REMOVED}'
    WHEN is_matched AND NOT drawing THEN '{Fate.OTHER_TEXT}'
    WHEN is_matched THEN '{Fate.NOT_DRAWN}'
    WHEN metadata_lang = '' THEN '{Fate.NO_METADATA}'
    ELSE '{Fate.UNMATCHED}'
END"""
