"""Which sampled pairs have no match because the run has no metadata for their language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from metaclip_curate.language import OTHER, LabelRule, load_language_table
from metaclip_curate.report.facts import SampledPair
from metaclip_curate.run.fates import FATE_NAMES, Fate

UNMATCHED = FATE_NAMES[Fate.UNMATCHED]
NO_METADATA = FATE_NAMES[Fate.NO_METADATA]
# Of a pair whose language isn't known here: its page may have declared it, or the run used another language table.
EITHER = f"{UNMATCHED} or {NO_METADATA}"


def with_languages(
    pairs: Sequence[SampledPair], dedup: Mapping[str, Any], match: Mapping[str, Any]
) -> tuple[SampledPair, ...]:
    """Returns pairs whose fate, if it is UNMATCHED, distinguishes the pairs without metadata for their language.

    Args:
        pairs: Sampled pairs with their fates.
        dedup: Recorded options of the stage dedup.
        match: Recorded options of the stage match.
    """
    available = match["metadata_digests"]
    if OTHER in available:
        return tuple(pairs)
    table = load_language_table()
    is_known = match.get("language_table_digest", table.digest) == table.digest
    least = LabelRule.of(dedup["lid_fallback"], dedup["min_lid_score"]).min_score

    def fate(pair: SampledPair) -> str:
        if pair.fate != UNMATCHED:
            return pair.fate
        if not is_known or (least is not None and pair.lang_score < least):
            return EITHER
        return UNMATCHED if table.metadata_language(pair.lang, available) in available else NO_METADATA

    return tuple(replace(pair, fate=fate(pair)) for pair in pairs)
