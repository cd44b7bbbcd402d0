"""Options of Wikipedia's unigrams and bigrams."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option


@dataclass(frozen=True)
class NgramOptions:
    """From Wikipedia's text to unigrams and bigrams."""

    lowest_unigram_count: int = option(1, "leave out words that occur less often")
    lowest_bigram_count: int = option(1, "leave out pairs of words that occur less often")
    lowest_pmi: float = option(
        30.0, "leave out pairs of words with less pointwise mutual information, in bits; n tokens allow log2(n) at most"
    )
    max_page_bytes: int = option(4 << 20, "skip and count pages longer than this many bytes")
    page_seconds: float = option(20.0, "skip and count pages that take longer to read, in seconds of processor time")
    allow_damaged_dumps: bool = option(False, "use what is readable of dumps that are damaged or cut off")
    split_bytes: int = option(64 << 20, "bytes of a dump that one task takes", changes_output=False)

    def __post_init__(self) -> None:
        for name in ("lowest_unigram_count", "lowest_bigram_count", "max_page_bytes", "split_bytes"):
            if getattr(self, name) < 1:
                raise UserError(f"{flag(name)} must be at least 1, not {getattr(self, name)}")
        if not self.page_seconds > 0:
            raise UserError(f"--page-seconds must be above 0, not {self.page_seconds}")
