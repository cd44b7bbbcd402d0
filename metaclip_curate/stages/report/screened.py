"""Examples of the pairs that screens rejected, and the hosts of their images, from a sample of each reason."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.report.facts import RejectedReason, SampledPair
from metaclip_curate.screens.reasons import REASON_NAMES
from metaclip_curate.stages.report.pairs import Sampled, first_by_hash, sampled_columns, sampling_cut, sampling_hash
from metaclip_curate.stages.report.texts import is_among, sampled_pair

# Pairs of a reason whose hosts are counted, and those that are shown.
_SAMPLE, _EXAMPLES, _HOSTS = 100, 10, 5
# Texts of these reasons are blurred until they are selected.
_BLURRED = ("removed", "words", "personal_data", "image_list", "classifier")
HIDDEN = "(hidden)"


def rejected_reasons(
    screened: DataFrame, distinct: DataFrame, counts: Mapping[str, int], safe: bool
) -> tuple[RejectedReason, ...]:
    """Samples the rejected pairs of each reason.

    Args:
        screened: Rows of `schemas.SCREENED`.
        distinct: Rows of `schemas.DISTINCT`, the screened ones among them.
        counts: Number of rejected pairs by reason.
        safe: Whether texts are left out.

    Returns:
        An item for each reason, in the order of the counts.
    """
    if not counts:
        return ()
    cuts = {reason: sampling_cut(_SAMPLE, pairs) for reason, pairs in counts.items()}
    cut_of = F.from_json(F.lit(json.dumps(cuts)), "map<string,bigint>")
    hashed = screened.select("uid", "reason", sampling_hash("screened").alias("hash"))
    rows: list[Sampled] = [
        row.asDict() for row in hashed.filter(F.col("hash") <= F.element_at(cut_of, F.col("reason"))).collect()
    ]
    chosen = {reason: first_by_hash([row for row in rows if row["reason"] == reason], _SAMPLE) for reason in counts}
    uids = {str(row["uid"]) for of_reason in chosen.values() for row in of_reason}
    found = distinct.filter(is_among(uids)).select(*sampled_columns()).collect()
    pairs = {row["uid"]: sampled_pair(row.asDict(), "rejected") for row in found}
    return tuple(
        _reason(reason, counts[reason], [pairs[row["uid"]] for row in of_reason if row["uid"] in pairs], safe)
        for reason, of_reason in chosen.items()
    )


def without_text(pair: SampledPair) -> SampledPair:
    """Returns a pair whose text isn't shown."""
    return dataclasses.replace(pair, text=HIDDEN)


def _reason(reason: str, number: int, sample: list[SampledPair], safe: bool) -> RejectedReason:
    hosts = Counter(pair.host for pair in sample)
    largest = sorted(hosts.items(), key=lambda each: (-each[1], each[0]))[:_HOSTS]
    shown = sample[:_EXAMPLES]
    return RejectedReason(
        reason=reason,
        name=REASON_NAMES[reason],
        pairs=number,
        hosts=tuple(host for host, _ in largest),
        examples=tuple(map(without_text, shown)) if safe else tuple(shown),
        blurred=reason in _BLURRED and not safe,
    )
