"""What came of a download, added up from its shards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_VARYING = re.compile(r"\(\d+ bytes read(, \d+ more expected)?\)")  # what makes a reason of its own of each image


@dataclass(frozen=True)
class Outcome:
    """What came of the rows.

    Attributes:
        rows: That were asked for.
        fetched: Of those, the images that are there.
        reasons: Of the others, how many by what img2dataset says.
        shards: Number of shards.
    """

    rows: int
    fetched: int
    reasons: Mapping[str, int]
    shards: int


def outcome_of(stats: Sequence[dict[str, Any]], shards: int) -> Outcome:
    """Adds up what img2dataset notes of each shard.

    Args:
        stats: What is in the shards' NNNNN_stats.json.
        shards: Number of shards.
    """
    reasons: Counter[str] = Counter()
    for shard in stats:
        for reason, count in shard["status_dict"].items():
            reasons[_VARYING.sub("", reason)] += count
        # A sample that img2dataset stumbled over is counted nowhere but in the number of rows.
        reasons["lost"] += shard["count"] - sum(shard["status_dict"].values())
    fetched = reasons.pop("success", 0)
    return Outcome(
        rows=sum(shard["count"] for shard in stats),
        fetched=fetched,
        reasons={reason: count for reason, count in reasons.most_common() if count},
        shards=shards,
    )
