"""The options of `rebalance`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.draw import DrawOptions, TextsPerImage
from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class RebalanceOptions:
    """What of a manifest goes on to another draw, and with which numbers."""

    downloaded: tuple[str, ...] = option((), "the folder that img2dataset wrote, or several", changes_output=False)
    drop_equal_images: bool = option(False, "of the pairs whose image files are equal (sha256) keep one")
    seed: int | None = option(None, "decides which pairs are drawn; no seed that drew before (default: the run's + 1)")
    texts_per_image: TextsPerImage | None = option(
        None, "whether all or one of an image's texts can be drawn (default: as in the run)"
    )

    def __post_init__(self) -> None:
        if not self.downloaded:
            raise UserError("--downloaded is missing: name the folder that img2dataset wrote")
        DrawOptions(self.seed or 0)  # checks it
