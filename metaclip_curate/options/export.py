"""The options of `export`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option

ExportFormat = Literal["metaclip", "datacomp"]


@dataclass(frozen=True)
class ExportOptions:
    """What other tools read."""

    output: str = option("", "the folder to write; it must be empty or not exist", changes_output=False)
    format: ExportFormat = option("metaclip", "whose tools will read it", changes_output=False)
    images_per_shard: int = option(10_000, "images of a shard of --format metaclip, on average", changes_output=False)

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the folder to write")
        check_range("images_per_shard", self.images_per_shard, 1)
