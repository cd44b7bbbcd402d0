"""The options of `threshold`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, check_share, option


@dataclass(frozen=True)
class CandidateOptions:
    """The thresholds that are compared before one is chosen."""

    t: tuple[int, ...] = option((), "thresholds of the anchor language to compare", metavar="N", changes_output=False)
    target_pairs: int = option(
        0, "find the t that is expected to keep this many pairs", metavar="N", changes_output=False
    )
    tail_share: tuple[float, ...] = option(
        (),
        "tail shares of every language to compare, also for the anchor, instead of t",
        metavar="SHARE",
        changes_output=False,
    )
    anchor_language: str = option(
        "en", "metadata language whose tail share the others take over", metavar="LANG", changes_output=False
    )
    same_t: bool = option(False, "use t for every language", changes_output=False)
    by_language: bool = option(False, "also print the numbers of every language", changes_output=False)

    def __post_init__(self) -> None:
        if sum(map(bool, (self.t, self.target_pairs, self.tail_share))) != 1:
            raise UserError("give one of --t A,B,..., --target-pairs N and --tail-share A,B,...")
        for t in self.t:
            check_range("t", t, 1)
        check_range("target_pairs", self.target_pairs, 0)
        for share in self.tail_share:
            check_share("tail_share", share)
        if self.same_t and self.tail_share:
            raise UserError("--same-t and --tail-share exclude each other: give one of them")
