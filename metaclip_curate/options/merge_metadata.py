"""The options of merging sources into a list, and the limits that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

from metaclip_curate.options.fields import check_range, check_share, option

Preset = Literal["metaclip2", "metaclip1"]
WordNetNames = Literal["all", "first"]
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class SourceLimits:
    """Which of a source's ranked candidates become entries.

    Attributes:
        minimum: Lowest score (count, PMI or views) of an entry; None for no such bound.
        share: Share of the candidates that become entries, from the best on; None for all.
        most: Largest number of entries that the source adds.
    """

    minimum: float | None
    share: Fraction | None
    most: int

    def candidates_within(self, candidates: int, of_minimum: int) -> int:
        """Returns how many of the best candidates can become entries.

        Args:
            candidates: Number of candidates.
            of_minimum: Number of candidates that have at least the lowest score.
        """
        if self.share is None:
            return of_minimum
        # Rounded up: the smallest Wikipedias would otherwise get nothing.
        return min(of_minimum, -(-candidates * self.share.numerator // self.share.denominator))


@dataclass(frozen=True)
class MergeOptions:
    """Which candidates become entries. The preset decides what isn't given."""

    preset: Preset = option("metaclip2", "limits to use; each of the following options changes one")
    numbers: int | None = option(
        None, "how many numbers from 0 on begin a list (default: 100; with metaclip1 none)", metavar="N"
    )
    wordnet_names: WordNetNames | None = option(
        None, "use all names of a synset or the first (default: all; with metaclip1 first)"
    )
    unigrams_share: float | None = option(
        None,
        "share of the different unigrams that can become entries, by count (default: 0.1; with metaclip1 all)",
        metavar="SHARE",
    )
    unigrams_min_count: int | None = option(
        None, "lowest count of a unigram (default: 1; with metaclip1 100)", metavar="N"
    )
    unigrams_most: int | None = option(None, "largest number of unigrams to add (default: 251465)", metavar="N")
    bigrams_min_pmi: float | None = option(
        None, "lowest PMI of a bigram, above --lowest-pmi (default: --lowest-pmi)", metavar="BITS"
    )
    bigrams_most: int | None = option(None, "largest number of bigrams to add (default: 100646)", metavar="N")
    titles_share: float | None = option(
        None,
        "share of the different titles that can become entries, by views (default: 0.76; with metaclip1 all)",
        metavar="SHARE",
    )
    titles_min_views: int | None = option(
        None, "lowest number of views of a title (default: 1; with metaclip1 70)", metavar="N"
    )
    titles_most: int | None = option(None, "largest number of titles to add (default: 61235)", metavar="N")
    max_entry_length: int = option(256, "leave out entries with more characters than this", metavar="N")

    def __post_init__(self) -> None:
        for name in ("unigrams_share", "titles_share"):
            share = getattr(self, name)
            if share is not None:
                check_share(name, share)
        least = {"numbers": 0, "unigrams_most": 0, "bigrams_most": 0, "titles_most": 0, "max_entry_length": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, bound)

    def preset_of(self, language: str) -> Preset:
        """Returns the preset of a language."""
        return self.preset

    def limits(self) -> Limits:
        """Returns the limits: those that were given, and the preset's for the rest."""
        first = self.preset == "metaclip1"
        return Limits(
            numbers=_given(self.numbers, 0 if first else 100),
            wordnet_names=_given(self.wordnet_names, "first" if first else "all"),
            unigrams=SourceLimits(
                minimum=_given(self.unigrams_min_count, 100 if first else 1),
                share=_share(_given(self.unigrams_share, None if first else 0.1)),
                most=_given(self.unigrams_most, 251_465),
            ),
            bigrams=SourceLimits(minimum=self.bigrams_min_pmi, share=None, most=_given(self.bigrams_most, 100_646)),
            titles=SourceLimits(
                minimum=_given(self.titles_min_views, 70 if first else 1),
                share=_share(_given(self.titles_share, None if first else 0.76)),
                most=_given(self.titles_most, 61_235),
            ),
            max_entry_length=self.max_entry_length,
        )


@dataclass(frozen=True)
class Limits:
    """Which candidates make a list: spec section 3 with the values of MetaCLIP 2, or MetaCLIP 1's for English."""

    numbers: int
    wordnet_names: WordNetNames
    unigrams: SourceLimits
    bigrams: SourceLimits
    titles: SourceLimits
    max_entry_length: int


def _given(value: _Value | None, preset: _Value) -> _Value:
    return preset if value is None else value


def _share(value: float | None) -> Fraction | None:
    """Returns a share as the decimal that was written: 0.1 of 30 is 3, which a binary fraction can't guarantee."""
    return None if value is None else Fraction(str(value))
