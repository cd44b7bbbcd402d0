"""The options of the stage sample."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option

_SAMPLE_ROWS = 10_000


@dataclass(frozen=True)
class SampleOptions:
    """How the manifest is written."""

    rows_per_file: int = option(250_000, "number of rows in a manifest file, a multiple of 10,000", metavar="N")

    def __post_init__(self) -> None:
        check_range("rows_per_file", self.rows_per_file, 1)
        if self.rows_per_file % _SAMPLE_ROWS:
            raise UserError(f"--rows-per-file must be a multiple of {_SAMPLE_ROWS}, not {self.rows_per_file}")
