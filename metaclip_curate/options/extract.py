"""The options of the stage extract."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import check_range, check_share, option


@dataclass(frozen=True)
class ExtractOptions:
    """Which files are read, and how."""

    input: tuple[str, ...] = option(
        (),
        "WAT or WARC files: paths, folders, globs, URLs, lists (@list.txt, wat.paths.gz), cc:CRAWL or cc:CRAWL:N; "
        "passwords and signatures in URLs aren't recorded",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    ignore_opt_out: bool = option(False, "also use pages that say noai, noimageai or tdm-reservation")
    max_record_bytes: int = option(32 << 20, "skip and count WARC records longer than this", metavar="BYTES")
    max_failed_inputs: float = option(
        0.05, "share of failed input files above which the job fails", metavar="SHARE", changes_output=False
    )
    files_per_round: int = option(
        0,
        "number of input files that are committed together; 0 chooses it by the number of inputs",
        metavar="N",
        changes_output=False,
    )
    retry_failed: bool = option(
        False,
        "also read again inputs that failed or ended early in an earlier run, and local ones that have changed since",
        changes_output=False,
    )

    def __post_init__(self) -> None:
        check_share("max_failed_inputs", self.max_failed_inputs)
        check_range("max_record_bytes", self.max_record_bytes, 1)
        check_range("files_per_round", self.files_per_round, 0)
