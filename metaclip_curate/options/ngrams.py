"""The options for counting the unigrams and bigrams of a Wikipedia."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import check_above_zero, check_range, option


@dataclass(frozen=True)
class NgramOptions:
    """How a dump is read."""

    max_page_bytes: int = option(4 << 20, "skip and count pages longer than this", metavar="BYTES")
    page_seconds: float = option(
        20.0, "skip and count pages that take more processor time than this", metavar="SECONDS"
    )
    allow_damaged_dumps: bool = option(False, "use the readable part of dumps that are damaged or truncated")
    split_bytes: int = option(
        64 << 20, "size of the part of a dump that a task reads", metavar="BYTES", changes_output=False
    )

    def __post_init__(self) -> None:
        for name in ("max_page_bytes", "split_bytes"):
            check_range(name, getattr(self, name), 1)
        check_above_zero("page_seconds", self.page_seconds)
