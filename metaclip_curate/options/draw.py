"""The options of the draw, which the stages balance and sample share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option, require_number

TextsPerImage = Literal["all", "one"]


@dataclass(frozen=True)
class DrawOptions:
    """How pairs are drawn."""

    seed: int = option(0, "seed of the draw, from 0 to 2^64 - 1", metavar="N")
    texts_per_image: TextsPerImage = option("all", "whether all matched texts of an image can be drawn, or only one")

    def __post_init__(self) -> None:
        require_number("seed", self.seed)
        if not 0 <= self.seed < 2**64:
            raise UserError(f"--seed must be from 0 to 2^64 - 1, not {self.seed}")
