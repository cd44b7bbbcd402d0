"""The options of merging sources into a list, and the limits that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import check_range, check_share, option

Preset = Literal["metaclip1", "metaclip2"]
ChosenPreset = Literal["auto", "metaclip1", "metaclip2"]
BigramRule = Literal["ranked", "published"]
WordNetNames = Literal["all", "first"]
_Value = TypeVar("_Value")

ENGLISH = "en"
# Entries of the papers' English list by source ("Demystifying CLIP Data", arXiv 2309.16671, section 3.1). The numbers
# 0-99 are among the names of synsets there.
PAPER_ENTRIES = {"wordnet": 86_654, "unigrams": 251_465, "bigrams": 100_646, "titles": 61_235}
_PAPER_PMI = 30.0


@dataclass(frozen=True)
class SourceLimits:
    """Which of a source's ranked candidates become entries.

    Attributes:
        minimum: Lowest score (count, PMI or views) of an entry; None for no such bound.
        share: Largest number of entries that the source adds, as a share of its strings; None for no such bound.
        most: Largest number of entries that the source adds.
    """

    minimum: float | None
    share: Fraction | None
    most: int

    def most_of(self, usable: int) -> int:
        """Returns the largest number of entries that the source adds.

        Args:
            usable: Number of its distinct strings that can be entries, whatever their scores.
        """
        if self.share is None:
            return self.most
        # Rounded up: the smallest Wikipedias would otherwise get nothing.
        return min(self.most, -(-usable * self.share.numerator // self.share.denominator))


@dataclass(frozen=True)
class BigramLimits:
    """Which word pairs become entries, ranked by PMI.

    Attributes:
        min_pmi: Lowest PMI in bits; None for no such bound.
        min_count: Lowest number of occurrences; None for that of the last unigram that was taken.
        share: Largest number of entries that bigrams add, as a share of those that unigrams added; None for no such
            bound.
        most: Largest number of entries that bigrams add.
    """

    min_pmi: float | None
    min_count: int | None
    share: Fraction | None
    most: int

    def after_unigrams(self, added: int) -> SourceLimits:
        """Returns the limits of the ranked pairs, whose score is PMI.

        Args:
            added: Number of entries that unigrams added.
        """
        if self.share is None:
            return SourceLimits(self.min_pmi, None, self.most)
        return SourceLimits(self.min_pmi, None, min(self.most, added * self.share.numerator // self.share.denominator))


@dataclass(frozen=True)
class Limits:
    """Which candidates make a list: spec section 3 with the values of MetaCLIP 1 or MetaCLIP 2.

    Attributes:
        preset: The preset of which the values are that weren't given.
        numbers: How many numbers from 0 on begin the list.
        wordnet_names: Whether all names of a synset are candidates, or the first as MetaCLIP 1 writes it.
        unigrams: Limits of words, whose score is their count.
        bigrams: Limits of word pairs.
        titles: Limits of titles, whose score is their number of views.
        max_entry_length: Largest number of characters of an entry.
    """

    preset: Preset
    numbers: int
    wordnet_names: WordNetNames
    unigrams: SourceLimits
    bigrams: BigramLimits
    titles: SourceLimits
    max_entry_length: int

    @property
    def lowest_pair_count(self) -> int:
        """Lowest count of a word pair that can become an entry, whatever the text."""
        if self.bigrams.min_count is not None:
            return self.bigrams.min_count
        return int(self.unigrams.minimum or 1)


@dataclass(frozen=True)
class MergeOptions:
    """Which candidates become entries. The preset of the language decides what isn't given."""

    preset: ChosenPreset = option(
        "auto",
        "limits to use: auto is metaclip1 for English and metaclip2 for other languages, as in the papers; each of the "
        "following options changes one",
    )
    numbers: int | None = option(None, "how many numbers from 0 on begin a list (default: 100)", metavar="N")
    wordnet_names: WordNetNames | None = option(
        None,
        "use all names of a synset, or the first in lower case up to its first period (default: all; with metaclip1 "
        "first)",
    )
    unigrams_share: float | None = option(
        None,
        "largest number of unigrams to add, as a share of the different ones (default: 0.1; with metaclip1 1)",
        metavar="SHARE",
    )
    unigrams_min_count: int | None = option(
        None,
        "lowest count of a unigram (default: 1; with metaclip1 100)",
        metavar="N",
        former="lowest_unigram_count",
    )
    unigrams_most: int | None = option(None, "largest number of unigrams to add (default: 251465)", metavar="N")
    bigrams: BigramRule = option(
        "ranked",
        "rule for word pairs: ranked takes those with the highest PMI among the pairs that are as frequent as the last "
        "unigram that was added; published takes those with a PMI of 30 bits, however rare",
    )
    bigrams_min_pmi: float | None = option(
        None,
        "lowest PMI of a bigram; of n tokens at most log2(n) bits are possible (default: none; with published 30)",
        metavar="BITS",
        former="lowest_pmi",
    )
    bigrams_min_count: int | None = option(
        None,
        "lowest count of a bigram (default: the count of the last unigram that was added; with published 1)",
        metavar="N",
        former="lowest_bigram_count",
    )
    bigrams_share: float | None = option(
        None,
        "largest number of bigrams to add, as a share of the unigrams that were added (default: 0.4; with metaclip1 "
        "no such limit)",
        metavar="SHARE",
    )
    bigrams_most: int | None = option(None, "largest number of bigrams to add (default: 100646)", metavar="N")
    titles_share: float | None = option(
        None,
        "largest number of titles to add, as a share of the different ones (default: 0.76; with metaclip1 1)",
        metavar="SHARE",
    )
    titles_min_views: int | None = option(
        None, "lowest number of views of a title (default: 1; with metaclip1 70)", metavar="N"
    )
    titles_most: int | None = option(None, "largest number of titles to add (default: 61235)", metavar="N")
    max_entry_length: int = option(256, "leave out entries with more characters than this", metavar="N")

    def __post_init__(self) -> None:
        for name in ("unigrams_share", "bigrams_share", "titles_share"):
            share = getattr(self, name)
            if share is not None:
                check_share(name, share)
        least = {"unigrams_min_count": 1, "bigrams_min_count": 1, "max_entry_length": 1}
        least |= dict.fromkeys(("numbers", "unigrams_most", "bigrams_most", "titles_most"), 0)
        least["titles_min_views"] = 0
        if self.bigrams_min_pmi is not None and not math.isfinite(self.bigrams_min_pmi):
            raise UserError(f"--bigrams-min-pmi must be a number of bits, not {self.bigrams_min_pmi}")
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, bound)

    def preset_of(self, language: str) -> Preset:
        """Returns the preset of a language: the given one, or that of the papers."""
        return paper_preset(language) if self.preset == "auto" else self.preset

    def limits(self, language: str) -> Limits:
        """Returns the limits of a language: those that were given, and its preset's for the rest."""
        preset = self.preset_of(language)
        first, published = preset == "metaclip1", self.bigrams == "published"
        return Limits(
            preset=preset,
            numbers=_given(self.numbers, 100),
            wordnet_names=_given(self.wordnet_names, "first" if first else "all"),
            unigrams=SourceLimits(
                minimum=_given(self.unigrams_min_count, 100 if first else 1),
                share=_share(_given(self.unigrams_share, None if first else 0.1)),
                most=_given(self.unigrams_most, PAPER_ENTRIES["unigrams"]),
            ),
            bigrams=BigramLimits(
                min_pmi=_given(self.bigrams_min_pmi, _PAPER_PMI if published else None),
                min_count=_given(self.bigrams_min_count, 1 if published else None),
                share=_share(_given(self.bigrams_share, None if first else 0.4)),
                most=_given(self.bigrams_most, PAPER_ENTRIES["bigrams"]),
            ),
            titles=SourceLimits(
                minimum=_given(self.titles_min_views, 70 if first else 1),
                share=_share(_given(self.titles_share, None if first else 0.76)),
                most=_given(self.titles_most, PAPER_ENTRIES["titles"]),
            ),
            max_entry_length=self.max_entry_length,
        )


def paper_preset(language: str) -> Preset:
    """Returns the preset by which the papers built the list of a language (arXiv 2507.22062, section 3)."""
    return "metaclip1" if language == ENGLISH else "metaclip2"


def _given(value: _Value | None, preset: _Value) -> _Value:
    return preset if value is None else value


def _share(value: float | None) -> Fraction | None:
    """Returns a share as the decimal that was written: 0.1 of 30 is 3, which a binary fraction can't guarantee."""
    return None if value is None else Fraction(str(value))
