"""The options of the stage balance."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, check_share, option


@dataclass(frozen=True)
class BalanceOptions:
    """How every language's threshold is chosen."""

    t: int = option(
        20_000, "threshold of the anchor language: entries that more texts contain are down-sampled", metavar="N"
    )
    anchor_language: str = option("en", "metadata language whose tail share the others take over", metavar="LANG")
    same_t: bool = option(False, "use t for every language")
    tail_share: float | None = option(
        None,
        "use this tail share for every language, also for the anchor, instead of t (a given --t is ignored)",
        metavar="SHARE",
    )

    def __post_init__(self) -> None:
        check_range("t", self.t, 1)
        if self.tail_share is not None:
            check_share("tail_share", self.tail_share)
        if self.same_t and self.tail_share is not None:
            raise UserError("--same-t and --tail-share exclude each other: give one of them")
