"""The result of a download, added up over its shards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Numbers that would make each image a reason of its own.
_VARYING = re.compile(r"\(\d+ bytes read(, \d+ more expected)?\)")


@dataclass(frozen=True)
class Outcome:
    """The result of a download.

    Attributes:
        rows: Number of images that were requested.
        fetched: Number of images that were fetched.
        reasons: Number of the other images by img2dataset's reason, the most frequent first.
        shards: Number of shards.
    """

    rows: int
    fetched: int
    reasons: Mapping[str, int]
    shards: int


def outcome_of(stats: Sequence[dict[str, Any]], shards: int) -> Outcome:
    """Adds up img2dataset's statistics of the shards.

    Args:
        stats: Content of each shard's NNNNN_stats.json.
        shards: Number of shards.
    """
    reasons: Counter[str] = Counter()
    for shard in stats:
        for reason, count in shard["status_dict"].items():
            reasons[_VARYING.sub("", reason)] += count
        # img2dataset counts a sample on which it raised an exception only in the number of rows.
        reasons["lost"] += shard["count"] - sum(shard["status_dict"].values())
    fetched = reasons.pop("success", 0)
    return Outcome(
        rows=sum(shard["count"] for shard in stats),
        fetched=fetched,
        reasons={reason: count for reason, count in reasons.most_common() if count},
        shards=shards,
    )
