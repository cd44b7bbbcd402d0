"""What run.json keeps of a finished stage's result, as frozen dataclasses.

A stage writes its summary when it has finished. The console, the report and the data card read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metaclip_curate.screens.reasons import IMAGE_REASONS, REASONS


@dataclass(frozen=True, kw_only=True)
class ExtractSummary:
    """The rows of `inputs`, added up.

    Attributes:
        files: Number of input files.
        ok: Number of files that were read to their end.
        partial: Number of damaged files, of which what was readable was kept.
        failed: Number of files of which nothing was kept.
        bytes_read: Number of bytes as stored, compressed.
        records: Number of WARC records.
        records_skipped: Number of records that were damaged, undecodable or too large.
        pages: Number of records that were read as a page.
        image_links: Number of image links.
        dropped_opt_out: Number of links on pages that opt out.
        dropped_no_text: Number of links without a text.
        dropped_bad_url: Number of links with a bad URL.
        dropped_not_http: Number of links that are neither http nor https.
        texts: Number of texts of the remaining links.
        duplicate_texts: Number of texts that repeat a pair of the same file.
        pairs: Number of pairs, unique within each file.
    """

    files: int
    ok: int = 0
    partial: int = 0
    failed: int = 0
    bytes_read: int = 0
    records: int = 0
    records_skipped: int = 0
    pages: int = 0
    image_links: int = 0
    dropped_opt_out: int = 0
    dropped_no_text: int = 0
    dropped_bad_url: int = 0
    dropped_not_http: int = 0
    texts: int = 0
    duplicate_texts: int = 0
    pairs: int = 0


@dataclass(frozen=True)
class DedupSummary:
    """The result of deduplicating.

    Attributes:
        labels: Number of distinct pairs by the language label that they count as, sorted.
    """

    labels: Mapping[str, int]

    @property
    def distinct(self) -> int:
        """Number of distinct pairs."""
        return sum(self.labels.values())


@dataclass(frozen=True)
class LanguageMatches:
    """The matched pairs of a metadata language.

    Attributes:
        metadata_lang: The language.
        distinct: Number of unique pairs.
        matched: Number of those that no screen rejected and whose texts have at least one of its entries.
        occurrences: Number of entries in the matched pairs' texts, each counted once per text.
        screened: Number of pairs that screens rejected, by reason.
    """

    metadata_lang: str
    distinct: int
    matched: int
    occurrences: int = 0
    screened: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DownloadLosses:
    """What became of a manifest's pairs in the download, in a rebalanced run.

    Attributes:
        manifest: Number of pairs in the manifest.
        survivors: Number of pairs that are counted and drawn again.
        lost: Number of other pairs by img2dataset's status, `missing`, `equal_image`, or the reason of a screen.
        unknown: Number of the download's samples that aren't in the manifest and so aren't used.
    """

    manifest: int
    survivors: int
    lost: Mapping[str, int]
    unknown: int


@dataclass(frozen=True, kw_only=True)
class MatchSummary:
    """The result of matching.

    Attributes:
        languages: One item for each metadata language, sorted.
        no_metadata: Number of unique pairs in languages without metadata that no screen rejected.
        metadata: Path or URL of the metadata folder.
        screened_without_metadata: Number of pairs in languages without metadata that screens rejected, by reason.
        policy_rules: Number of pairs that were rejected for their host's policy, by rule.
        screened_before: Of a rebalanced run, number of pairs that the screens of the runs before rejected, by reason.
        source: The run that was rebalanced; None for other runs.
        downloaded: The download's folders; None for other runs.
        download: Losses in the download; None for other runs.
    """

    languages: tuple[LanguageMatches, ...]
    no_metadata: int
    metadata: str
    screened_without_metadata: Mapping[str, int] = field(default_factory=dict)
    policy_rules: Mapping[str, int] = field(default_factory=dict)
    screened_before: Mapping[str, int] = field(default_factory=dict)
    source: str | None = None
    downloaded: tuple[str, ...] | None = None
    download: DownloadLosses | None = None

    @property
    def distinct(self) -> int:
        """Number of unique pairs, those in languages without metadata included."""
        without = self.no_metadata + sum(self.screened_without_metadata.values())
        return without + sum(row.distinct for row in self.languages)

    @property
    def screened(self) -> dict[str, int]:
        """Number of unique pairs that screens rejected, by reason, in the order in which reasons count."""
        counts = [self.screened_without_metadata, *(row.screened for row in self.languages)]
        return added(*counts)

    @property
    def screened_in_all(self) -> dict[str, int]:
        """Number of pairs that screens of this run and of those before it rejected, by reason."""
        return added(self.screened_before, self.screened)

    @property
    def unmatched(self) -> int:
        """Number of unique pairs whose texts were searched in vain."""
        return self.distinct - sum(self.screened.values()) - self.no_metadata - self.matched

    @property
    def matched(self) -> int:
        """Number of matched pairs."""
        return sum(row.matched for row in self.languages)

    @property
    def occurrences(self) -> int:
        """Number of entries in all matched texts, each counted once per text."""
        return sum(row.occurrences for row in self.languages)


@dataclass(frozen=True)
class CountSummary:
    """The result of counting, of which nothing is kept but the table."""


@dataclass(frozen=True)
class LanguageThreshold:
    """A row of `schemas.THRESHOLDS`."""

    metadata_lang: str
    t: int
    tail_share: float
    matches: int
    entries: int
    entries_unmatched: int
    pairs: int
    expected_pairs: float


@dataclass(frozen=True)
class BalanceSummary:
    """The result of balancing.

    Attributes:
        languages: The rows of the table `thresholds`.
    """

    languages: tuple[LanguageThreshold, ...]

    @property
    def pairs(self) -> int:
        """Number of matched pairs."""
        return sum(row.pairs for row in self.languages)

    @property
    def expected_pairs(self) -> float:
        """Expected number of pairs in the manifest."""
        return sum(row.expected_pairs for row in self.languages)

    @property
    def thresholds(self) -> dict[str, int]:
        """Each language's t."""
        return {row.metadata_lang: row.t for row in self.languages}


@dataclass(frozen=True)
class LanguageTotals:
    """A language before and after the draw.

    Attributes:
        metadata_lang: The language.
        t: Its threshold.
        tail_share: Share of tail entries in all matches.
        expected_pairs: Expected number of pairs in the manifest.
        pairs_in: Number of matched pairs.
        images_in: Number of images of the matched pairs.
        pairs_out: Number of pairs in the manifest.
        images_out: Number of images in the manifest.
        head_matches_in: Number of matches of head entries before the draw; a pair counts once for each of its entries.
        tail_matches_in: The same of tail entries.
        head_matches_out: Number of matches of head entries in the manifest.
        tail_matches_out: The same of tail entries.
    """

    metadata_lang: str
    t: int
    tail_share: float
    expected_pairs: float
    pairs_in: int
    images_in: int
    pairs_out: int
    images_out: int
    head_matches_in: int
    tail_matches_in: int
    head_matches_out: int
    tail_matches_out: int


@dataclass(frozen=True)
class SampleSummary:
    """The result of sampling.

    Attributes:
        files: Number of the manifest's files.
        pairs: Number of pairs in the manifest.
        languages: One item for each language with a matched pair.
        removed: Number of drawn pairs that `remove` has taken down since.
    """

    files: int
    pairs: int
    languages: tuple[LanguageTotals, ...]
    removed: int = 0


Summary = ExtractSummary | DedupSummary | MatchSummary | CountSummary | BalanceSummary | SampleSummary
SUMMARIES: dict[str, type[Summary]] = {
    "extract": ExtractSummary,
    "dedup": DedupSummary,
    "match": MatchSummary,
    "count": CountSummary,
    "balance": BalanceSummary,
    "sample": SampleSummary,
}


def stage_of(kind: type[Any]) -> str:
    """Returns the stage whose result a class of summaries is."""
    return next(stage for stage, each in SUMMARIES.items() if each is kind)


def added(*counts: Mapping[str, int]) -> dict[str, int]:
    """Adds up numbers of pairs by reason.

    Args:
        counts: Numbers by reason.

    Returns:
        The reasons that have a pair, in the order in which they count.
    """
    totals = {reason: sum(each.get(reason, 0) for each in counts) for reason in (*REASONS, *IMAGE_REASONS)}
    return {reason: pairs for reason, pairs in totals.items() if pairs}
