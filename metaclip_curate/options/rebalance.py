"""The options of `rebalance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.draw import DrawOptions, TextsPerImage
from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class RebalanceOptions:
    """Which pairs of a manifest are drawn from again, and how."""

    downloaded: tuple[str, ...] = option(
        (), "folders that img2dataset wrote", metavar="PATH", required=True, changes_output=False
    )
    drop_equal_images: bool = option(
        False, "of the pairs whose image files are equal (sha256) keep only the one with the smallest uid"
    )
    seed: int | None = option(
        None, "seed of the draw; must not have drawn these pairs before (default: seed of the run + 1)", metavar="N"
    )
    texts_per_image: TextsPerImage | None = option(
        None, "whether all matched texts of an image can be drawn, or only one (default: as in the run)"
    )

    def __post_init__(self) -> None:
        if not self.downloaded:
            raise UserError("--downloaded is missing: name the folder that img2dataset wrote")
        DrawOptions(self.seed or 0)  # checks the seed


@dataclass(frozen=True)
class RebalanceSteps:
    """Which steps of a rebalance run."""

    count_only: bool = option(
        False, "stop after counting, to find a t with `threshold` before the draw", changes_output=False
    )
    again_from: Literal["match", "count", "balance", "sample"] | None = option(
        None, "discard this stage of the new run and those after it, and run them again", changes_output=False
    )
