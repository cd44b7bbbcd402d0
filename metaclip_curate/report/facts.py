"""What a report shows, in plain numbers and texts: bounded in size whatever the run's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metaclip_curate.report.histograms import KeptHistogram
from metaclip_curate.run.funnel import Funnel


@dataclass(frozen=True)
class SampledPair:
    """A pair to look at.

    Attributes:
        uid: Its key.
        text: Cut off after some hundred characters.
        lang: Its language label.
        lang_score: The label's probability.
        host: The host of the image's URL.
        fate: What became of it: no match, not kept, kept.
    """

    uid: str
    text: str
    lang: str
    lang_score: float
    host: str
    fate: str


@dataclass(frozen=True)
class PairFacts:
    """What a table of pairs is made of.

    Attributes:
        pairs: Its rows.
        scores: Rows by language-ID score, in bins of a twentieth; bin k is from k / 20.
        lengths: Rows by text length in characters, in octaves; bin k is from 2^k to 2^(k+1) - 1.
        sources: Rows by text_source.
        hosts: Hosts with the most image URLs, and their rows, largest first.
        all_hosts: How many different hosts there are.
        sample: Pairs at random, by hash of uid.
    """

    pairs: int
    scores: Mapping[int, int]
    lengths: Mapping[int, int]
    sources: Mapping[str, int]
    hosts: tuple[tuple[str, int], ...]
    all_hosts: int
    sample: tuple[SampledPair, ...] = ()

    def largest_hosts(self, number: int = 10) -> int:
        """Rows of the largest hosts together."""
        return sum(rows for _, rows in self.hosts[:number])


@dataclass(frozen=True, order=True)
class EntryFact:
    """An entry, its texts, and how many of them were kept."""

    lang: str
    entry_id: int
    entry: str
    count: int
    kept: int


@dataclass(frozen=True)
class EntryLists:
    """Entries to look at.

    Attributes:
        thinned: Head entries, those that lost most texts first.
        whole: Tail entries all of whose texts were kept, at random by hash.
        unmatched: Entries that no text contains, at random by hash.
    """

    thinned: tuple[EntryFact, ...] = ()
    whole: tuple[EntryFact, ...] = ()
    unmatched: tuple[EntryFact, ...] = ()


@dataclass(frozen=True)
class EntryTexts:
    """Texts of an entry, at random by hash."""

    entry: EntryFact
    kept: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class LanguageFact:
    """A metadata language; None for what isn't known of one without a match."""

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
    """A candidate set of thresholds and what it is expected to keep.

    Attributes:
        label: Its t, or its tail share where that was asked for.
        position: The same as a number.
        thresholds: Each language's t.
        expected: Pairs that each language is expected to keep.
        chosen: Whether it is the run's.
    """

    label: str
    position: float
    thresholds: Mapping[str, int]
    expected: Mapping[str, float]
    chosen: bool


@dataclass(frozen=True)
class Curation:
    """What a finished run knows beyond its pairs.

    Attributes:
        histograms: Entry counts by language, with what was kept of them.
        tried: Candidate t, ascending, the run's among them.
        limits: Of those, the few whose limits are drawn into the curve of cumulative counts.
        position_name: What the candidates differ in: t of a language, t of all, or the tail share.
        matched, kept: The tables of that name; of `matched` only its size and a sample.
        entries: Entries to look at, by language; under "" those of all together.
        texts: Texts of the most thinned entries of all.
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
        """The run's own thresholds."""
        return next(each for each in self.tried if each.chosen)


@dataclass(frozen=True)
class Facts:
    """What a report shows.

    Attributes:
        name: The run folder's name.
        fingerprint: Of the last finished stage, by which a report is known to be of these tables.
        funnel: Steps from image links to kept pairs, as far as the stages are finished.
        read: What was read: files, records, bytes.
        troubles: Input files that were damaged or failed (path, status, error), a few of them.
        languages: Metadata languages, those with most matched pairs first.
        pairs: Of the table pairs; None where the run has none of its own.
        curation: None where the run isn't finished.
        missing: Sentences that say what isn't shown and why.
        provenance: Titled tables of names and values: options, digests, versions.
    """

    name: str
    fingerprint: str
    funnel: Funnel
    read: str = ""
    troubles: tuple[tuple[str, str, str], ...] = ()
    languages: tuple[LanguageFact, ...] = ()
    pairs: PairFacts | None = None
    curation: Curation | None = None
    missing: tuple[str, ...] = ()
    provenance: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
