"""The options of a build, and the limits that they come to."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag, option

Stage = Literal["wordnet", "ngrams", "titles", "merge"]
STAGES: tuple[Stage, ...] = ("wordnet", "ngrams", "titles", "merge")
Preset = Literal["metaclip2", "metaclip1"]
WordNetNames = Literal["all", "first"]
ListFormat = Literal["txt.zst", "json"]
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class BuildOptions:
    """What is built, from what, and where to."""

    language: tuple[str, ...] = option(
        (),
        "Wikipedia codes of the languages to build, such as de; all: those that the sources have text of",
        changes_output=False,
    )
    sources: tuple[str, ...] = option((), "folders with what `metadata fetch` downloads", changes_output=False)
    output: str = option("", "the metadata folder to write, local or s3:// or gs://", changes_output=False)
    stage: Stage | None = option(None, "do only this stage (default: all of them)", changes_output=False)
    without: tuple[str, ...] = option((), "build without these sources: wordnet, ngrams, titles")
    format: ListFormat = option("txt.zst", "the format of the lists")

    def __post_init__(self) -> None:
        if not self.output:
            raise UserError("--output is missing: name the metadata folder to write")
        if not self.sources and self.stage != "merge":
            raise UserError("--sources is missing: name a folder with what `metaclip-curate metadata fetch` downloads")
        for source in self.without:
            if source not in STAGES[:-1]:
                raise UserError(f"--without takes {', '.join(STAGES[:-1])}, not {source}")
        if self.stage in self.without:
            raise UserError(f"--stage {self.stage} and --without {self.stage} exclude each other: give one of them")


@dataclass(frozen=True)
class SourceLimits:
    """Which of a source's ranked candidates become entries.

    Attributes:
        minimum: The least score (count, PMI or views); None for no such bound.
        share: The share of the candidates, best first, that can; None for all.
        most: The most entries that the source adds.
    """

    minimum: float | None
    share: Fraction | None
    most: int

    def candidates_within(self, candidates: int, of_minimum: int) -> int:
        """How many of the best candidates can become entries.

        Args:
            candidates: How many there are.
            of_minimum: How many of them have the least score.
        """
        if self.share is None:
            return of_minimum
        # Rounded up: the smallest Wikipedias would otherwise get nothing.
        return min(of_minimum, -(-candidates * self.share.numerator // self.share.denominator))


@dataclass(frozen=True)
class MergeOptions:
    """Which candidates make a list. What isn't given is as the preset says."""

    preset: Preset = option("metaclip2", "whose limits to use; each can be given by itself")
    numbers: int | None = option(None, "the numbers from 0 on that begin a list: 100; with metaclip1 none")
    wordnet_names: WordNetNames | None = option(None, "all names of a synset or the first: all; with metaclip1 first")
    unigrams_share: float | None = option(None, "the share of different unigrams, by count: 0.1; with metaclip1 all")
    unigrams_min_count: int | None = option(None, "the least count of a unigram: 1; with metaclip1 100")
    unigrams_most: int | None = option(None, "the most unigrams to add: 251465")
    bigrams_min_pmi: float | None = option(None, "a least PMI of bigrams above --lowest-pmi")
    bigrams_most: int | None = option(None, "the most bigrams to add: 100646")
    titles_share: float | None = option(None, "the share of different titles, by views: 0.76; with metaclip1 all")
    titles_min_views: int | None = option(None, "the least views of a title: 1; with metaclip1 70")
    titles_most: int | None = option(None, "the most titles to add: 61235")
    max_entry_length: int = option(256, "leave out entries longer than this many characters")

    def __post_init__(self) -> None:
        for name in ("unigrams_share", "titles_share"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise UserError(f"{flag(name)} must be a share from 0 to 1, not {share}")
        least = {"numbers": 0, "unigrams_most": 0, "bigrams_most": 0, "titles_most": 0, "max_entry_length": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise UserError(f"{flag(name)} must be at least {bound}, not {value}")

    def limits(self) -> Limits:
        """The limits, with the preset's where none is given."""
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
    """What makes a list: spec section 3 with the values of MetaCLIP 2, or MetaCLIP 1's for English."""

    numbers: int
    wordnet_names: WordNetNames
    unigrams: SourceLimits
    bigrams: SourceLimits
    titles: SourceLimits
    max_entry_length: int


def _given(value: _Value | None, preset: _Value) -> _Value:
    return preset if value is None else value


def _share(value: float | None) -> Fraction | None:
    """A share as the decimal that it was written as: 0.1 of 30 is 3, which binary fractions can't promise."""
    return None if value is None else Fraction(str(value))
