"""The options of the stage extract."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_above_zero, check_range, check_share, flag, option

# Begins an input that is pages of a crawl, chosen by its columnar index.
INDEX_PREFIX = "cc-index:"


@dataclass(frozen=True)
class ExtractOptions:
    """Which files are read, and how."""

    input: tuple[str, ...] = option(
        (),
        "WAT or WARC files, or pools of pairs (.parquet, .jsonl, .csv, .tsv, .tar): paths, folders, globs, URLs, lists "
        "(@list.txt, wat.paths.gz), cc:CRAWL or cc:CRAWL:N; cc-index:CRAWL for pages that --index-languages and the "
        "options after it choose; passwords and signatures in URLs aren't recorded",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    index_languages: tuple[str, ...] = option(
        (),
        "of a cc-index: input, pages in which Common Crawl found one of these languages, as ISO 639-3 codes: swa,hau",
        metavar="CODES",
        changes_output=False,
    )
    index_hosts: tuple[str, ...] = option(
        (),
        "of a cc-index: input, pages of these hosts: example.org with its subdomains, *.ke for all of a domain",
        metavar="HOSTS",
        changes_output=False,
    )
    index_limit: int = option(
        0,
        "of a cc-index: input, at most this many pages, chosen by a hash of --seed and the URL; 0 for all",
        metavar="N",
        changes_output=False,
    )
    index_sample: float = option(
        1.0,
        "of a cc-index: input, this share of the pages, chosen by a hash of --seed and the URL",
        metavar="SHARE",
        changes_output=False,
    )
    ignore_opt_out: bool = option(
        False, "also use pages that say noai, noimageai, noml, tdm-reservation or ai-train=no"
    )
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
        check_range("index_limit", self.index_limit, 0)
        check_share("index_sample", self.index_sample)
        check_above_zero("index_sample", self.index_sample)
        self._check_index_options()

    def _check_index_options(self) -> None:
        given = [
            flag(item.name)
            for item in dataclasses.fields(self)
            if item.name.startswith("index_") and getattr(self, item.name) != item.default
        ]
        if given and not any(each.startswith(INDEX_PREFIX) for each in self.input):
            raise UserError(f"{given[0]} chooses pages of an input cc-index:CRAWL: add one to --input")
