"""The options of the stage dedup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, check_share, option

_MIN_LID_SCORE = 0.5
LidFallback = Literal["none", "page"]
# Each pass reads all pairs again, and its number has five digits in the names of parts.
_MOST_PASSES = 10_000


@dataclass(frozen=True)
class DedupOptions:
    """How pairs are deduplicated, and which language each counts as."""

    lid_model: str = option(
        "",
        "fastText language-ID model (default: lid.176.ftz of an installed package)",
        metavar="PATH",
        changes_output=False,
    )
    lid_fallback: LidFallback = option(
        "none",
        "language of a text where the model is unsure: the model's label all the same, or what the page declares",
    )
    min_lid_score: float = option(
        _MIN_LID_SCORE,
        "probability of a label below which --lid-fallback page takes the page's language; refused without that",
        metavar="SCORE",
    )
    dedup_passes: int = option(
        1,
        "number of passes of deduplication; with N of them, a pass needs an N-th of the shuffle disk",
        metavar="N",
        changes_output=False,
    )
    pairs_per_task: int = option(
        500_000, "number of pairs in a file of distinct, which a matching task reads", metavar="N", changes_output=False
    )

    def __post_init__(self) -> None:
        check_share("min_lid_score", self.min_lid_score)
        if self.lid_fallback == "none" and self.min_lid_score != _MIN_LID_SCORE:
            raise UserError(
                f"--min-lid-score {self.min_lid_score:g} changes nothing without --lid-fallback page: add that, or "
                "leave it out; --reject-lid-score-below of match rejects texts whose label is unsure"
            )
        check_range("dedup_passes", self.dedup_passes, 1, _MOST_PASSES)
        check_range("pairs_per_task", self.pairs_per_task, 1)
