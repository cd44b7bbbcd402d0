"""The options of the stage balance."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option


@dataclass(frozen=True)
class BalanceOptions:
    """From counts to thresholds."""

    t: int = option(20_000, "the anchor language's threshold: entries with more texts are down-sampled")
    anchor_language: str = option("en", "the metadata language whose tail share the others take over")
    same_t: bool = option(False, "use t for every language")
    tail_share: float | None = option(None, "use this tail share for every language, the anchor too, in place of t")

    def __post_init__(self) -> None:
        check_range("t", self.t, 1)
        if self.tail_share is not None and not 0 <= self.tail_share <= 1:
            raise UserError(f"--tail-share must be from 0 to 1, not {self.tail_share}")
        if self.same_t and self.tail_share is not None:
            raise UserError("--same-t and --tail-share exclude each other: give one of them")
