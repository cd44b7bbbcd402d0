"""The options of `export`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option

ExportFormat = Literal["metaclip", "datacomp", "ids", "lance"]


@dataclass(frozen=True)
class ExportOptions:
    """What is written for other tools."""

    output: str = option(
        "", "folder to write; must be empty or not exist", metavar="PATH", required=True, changes_output=False
    )
    format: ExportFormat = option(
        "metaclip",
        "metaclip: for MetaCLIP's loaders; datacomp: uids, or a pool's own ids, for DataComp's resharder; ids: a text "
        "file with an id in each line; lance: the manifest as a Lance data set",
        changes_output=False,
    )
    images_per_shard: int = option(
        10_000, "average number of images in a shard of --format metaclip", metavar="N", changes_output=False
    )

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the folder to write")
        check_range("images_per_shard", self.images_per_shard, 1)
