"""The options of the stage extract."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, option


@dataclass(frozen=True)
class ExtractOptions:
    """From input files to pairs."""

    input: tuple[str, ...] = option(
        (),
        "WAT files: paths, folders, globs, lists, URLs; a URL's password or signature is recorded nowhere",
        changes_output=False,
    )
    lid_model: str = option(
        "", "a fastText language-ID model (default: lid.176.ftz of an installed package)", changes_output=False
    )
    ignore_opt_out: bool = option(False, "use pages that say noai, noimageai or tdm-reservation as well")
    max_record_bytes: int = option(32 << 20, "skip and count WARC records longer than this many bytes")
    max_failed_inputs: float = option(
        0.05, "the share of failed input files above which the job fails", changes_output=False
    )
    files_per_round: int = option(
        0, "input files that are committed together; 0 chooses by their number", changes_output=False
    )
    retry_failed: bool = option(
        False,
        "read inputs again that failed in an earlier run, or of which reading was given up, or local ones that have "
        "changed since",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        if not 0 <= self.max_failed_inputs <= 1:
            raise UserError(f"--max-failed-inputs must be a share from 0 to 1, not {self.max_failed_inputs}")
        check_range("max_record_bytes", self.max_record_bytes, 1)
        check_range("files_per_round", self.files_per_round, 0)
