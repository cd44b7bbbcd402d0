"""What a report shows, as plain numbers and texts, of a size that doesn't grow with the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metaclip_curate.report.histograms import KeptHistogram
from metaclip_curate.run.funnel import Funnel


@dataclass(frozen=True)
class SampledPair:
    """A pair of a sample.

    Attributes:
        uid: Its uid.
        text: Its text, cut off after 300 characters.
        lang: Label of the language-ID model.
        lang_score: Probability of the label.
        host: Host of the image's URL.
        fate: `rejected`, `not drawn`, `kept`, or why it has no match; empty if that isn't known yet.
        blurred: Whether its text is shown only when it is selected.
    """

    uid: str
    text: str
    lang: str
    lang_score: float
    host: str
    fate: str
    blurred: bool = False


@dataclass(frozen=True)
class PairFacts:
    """Distributions over a table of pairs.

    Attributes:
        pairs: Number of rows.
        scores: Number of rows by language-ID score, in bins of a twentieth; bin k begins at k / 20.
        lengths: Number of rows by text length in characters; bin k is from 2^k to 2^(k+1) - 1.
        sources: Number of rows by text_source.
        hosts: Hosts with the most image URLs and their numbers of rows, largest first.
        all_hosts: Number of different hosts.
        sample: Pairs drawn by a hash of the uid.
        licenses: Number of rows by Creative Commons licence, as `options.screens.LICENSES` names them, largest first;
            "" stands for rows without one.
    """

    pairs: int
    scores: Mapping[int, int]
    lengths: Mapping[int, int]
    sources: Mapping[str, int]
    hosts: tuple[tuple[str, int], ...]
    all_hosts: int
    sample: tuple[SampledPair, ...] = ()
    licenses: Mapping[str, int] = field(default_factory=dict)

    def largest_hosts(self, number: int = 10) -> int:
        """Returns the number of rows of the largest hosts together."""
        return sum(rows for _, rows in self.hosts[:number])


@dataclass(frozen=True, order=True)
class EntryFact:
    """An entry, the number of texts that contain it, and the number of those that were kept."""

    lang: str
    entry_id: int
    entry: str
    count: int
    kept: int


@dataclass(frozen=True)
class EntryLists:
    """Samples of entries.

    Attributes:
        thinned: Head entries, those that lost the most texts first.
        whole: Tail entries that kept all of their texts, drawn by hash.
        unmatched: Entries that no text contains, drawn by hash.
        frequent: The entries with the most texts, which the page's search finds; none of all languages together.
    """

    thinned: tuple[EntryFact, ...] = ()
    whole: tuple[EntryFact, ...] = ()
    unmatched: tuple[EntryFact, ...] = ()
    frequent: tuple[EntryFact, ...] = ()


@dataclass(frozen=True)
class EntryTexts:
    """Texts of an entry, drawn by hash."""

    entry: EntryFact
    kept: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class LanguageFact:
    """A metadata language. What needs a match is None if it has none."""

    lang: str
    name: str
    pairs: int
    matched: int
    t: int | None = None
    tail_share: float | None = None
    entries: int | None = None
    entries_hit: int | None = None
    expected: float | None = None
    kept: int | None = None


@dataclass(frozen=True)
class TriedT:
    """A candidate set of thresholds and the number of pairs that it is expected to keep.

    Attributes:
        label: Its t, or its tail share if the run has one.
        position: The same as a number, for the x axis.
        thresholds: The t of each language.
        expected: Expected number of kept pairs of each language.
        chosen: Whether these are the run's own thresholds.
    """

    label: str
    position: float
    thresholds: Mapping[str, int]
    expected: Mapping[str, float]
    chosen: bool


@dataclass(frozen=True)
class Curation:
    """What only a finished run has: its balance and its manifest.

    Attributes:
        histograms: Entry counts by language, with the numbers of kept texts.
        tried: Candidate thresholds, ascending, with the run's own among them.
        limits: Candidates whose limits are drawn into the chart of cumulative counts.
        position_name: What the candidates differ in: `t of English`, `t` or `tail share`.
        matched: A sample of the matched pairs.
        kept: Distributions over the manifest.
        entries: Samples of entries by language, and under "" of all languages.
        texts: Texts of the most thinned entries of all languages.
    """

    histograms: Mapping[str, KeptHistogram]
    tried: tuple[TriedT, ...]
    limits: tuple[TriedT, ...]
    position_name: str
    matched: tuple[SampledPair, ...]
    kept: PairFacts
    entries: Mapping[str, EntryLists]
    texts: tuple[EntryTexts, ...]

    @property
    def chosen(self) -> TriedT:
        """Returns the run's own thresholds."""
        return next(each for each in self.tried if each.chosen)


@dataclass(frozen=True)
class RejectedReason:
    """The pairs that screens rejected for one reason.

    Attributes:
        reason: The reason, one of `screens.reasons.REASONS` or `IMAGE_REASONS`.
        name: The same in words.
        pairs: Number of pairs.
        hosts: Hosts of the images that are the most frequent in a sample.
        examples: A few of the pairs.
        blurred: Whether their texts are shown only when they are selected.
    """

    reason: str
    name: str
    pairs: int
    hosts: tuple[str, ...] = ()
    examples: tuple[SampledPair, ...] = ()
    blurred: bool = False


@dataclass(frozen=True)
class ScreenedFacts:
    """What screens rejected and what was taken down.

    Attributes:
        pairs: Number of rejected pairs.
        distinct: Number of pairs that were screened.
        reasons: The reasons, in the order in which they count.
        rules: Rules of host policies, and the numbers of pairs that they rejected.
        languages: Languages, and the numbers of rejected pairs, largest first; "" stands for those without metadata.
        removed: Number of uids, URLs, hosts and image ids that were taken down.
        kind: What was screened, in words.
        before: Of a rebalanced run, what screens rejected in the runs before: names of reasons, and numbers of pairs.
    """

    pairs: int
    distinct: int
    reasons: tuple[RejectedReason, ...] = ()
    rules: tuple[tuple[str, int], ...] = ()
    languages: tuple[tuple[str, int], ...] = ()
    removed: int = 0
    kind: str = "distinct pairs"
    before: tuple[tuple[str, int], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was rejected or taken down."""
        return not (self.pairs or self.removed or self.before)


@dataclass(frozen=True)
class Picture:
    """A downloaded image, made small.

    Attributes:
        uid: The uid of its pair.
        text: The pair's text.
        lang: The label of the text's language.
        data: A data URL of the image.
        width: Width in pixels.
        height: Height in pixels.
    """

    uid: str
    text: str
    lang: str
    data: str
    width: int
    height: int


@dataclass(frozen=True)
class Facts:
    """What a report shows.

    Attributes:
        name: Name of the run folder.
        fingerprint: Fingerprint of the last finished stage, by which a later command sees that the report is current.
        funnel: Steps from image links to kept pairs, as far as the stages are finished.
        read: Numbers of files, records and bytes that were read, in words.
        troubles: Up to ten input files that were damaged or failed: path, status, error.
        languages: Metadata languages, those with the most matched pairs first.
        screened: What screens rejected; None before matching.
        pairs: Distributions over the table `distinct`; None if the run has no such table.
        curation: Its balance and manifest; None if the run isn't finished.
        pictures: Pictures of a sample of the kept pairs; none unless they were requested.
        missing: Sentences about what isn't shown, and why.
        provenance: Names and values of options, digests and versions, by title.
    """

    name: str
    fingerprint: str
    funnel: Funnel
    read: str = ""
    troubles: tuple[tuple[str, str, str], ...] = ()
    languages: tuple[LanguageFact, ...] = ()
    screened: ScreenedFacts | None = None
    pairs: PairFacts | None = None
    curation: Curation | None = None
    pictures: tuple[Picture, ...] = ()
    missing: tuple[str, ...] = ()
    provenance: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def licenses(self) -> list[tuple[str, int | None, int | None]]:
        """Returns each licence with its numbers of distinct and of kept pairs, None where the run has no such table.

        Returns:
            Rows without a licence last; empty if no pair has one.
        """
        tables = self.pairs, self.curation.kept if self.curation else None
        names = dict.fromkeys(name for table in tables if table for name in table.licenses if name)
        pairs, kept = (table.licenses if table else None for table in tables)

        def number(counts: Mapping[str, int] | None, name: str) -> int | None:
            return None if counts is None else counts.get(name, 0)

        return [(name, number(pairs, name), number(kept, name)) for name in [*names, ""]] if names else []
