"""Long runs of words in each language, from which any number of texts is cut.

Making a sentence word by word takes microseconds a word; cutting one from a prepared string is one
slice. The words are those of the shipped pages, so that language identification and matching do
realistic work.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from examples.hashed_draws import Fractions, hashed_fractions
from examples.mini_pages import Language, read_languages

RIVER_WORDS = 120_000  # for each language; cuts of a few words rarely repeat
LONGEST_TEXT = 8_000  # characters
LATIN_LANGUAGE = "en"  # whose words make the URLs
WRITTEN_WITHOUT_SPACES = ("ja", "th", "zh")

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class River:
    """A run of words.

    Attributes:
        text: The words, with spaces if the language has them.
        starts: Index of each word's first character in `text`, ascending.
        gap: Number of characters between two words, 0 or 1.
    """

    text: str
    starts: Positions
    gap: int

    def cut(self, where: Fractions, lengths: Fractions) -> list[str]:
        """Cuts texts of whole words.

        Args:
            where: Relative position of each text in the river, in [0, 1).
            lengths: Least number of characters of each text, rounded down, up to LONGEST_TEXT.

        Returns:
            One text for each position, never empty.
        """
        last = np.searchsorted(self.starts, self.starts[-1] - LONGEST_TEXT)
        begin = self.starts[(where * last).astype(np.int64)]
        # Integers, since searchsorted would convert all starts for a float.
        wanted = begin + np.clip(lengths, 1, LONGEST_TEXT).astype(np.int64) + self.gap
        end = self.starts[np.searchsorted(self.starts, wanted)] - self.gap
        return [self.text[b:e] for b, e in zip(begin.tolist(), end.tolist(), strict=True)]


@dataclass(frozen=True)
class Words:
    """The words of synthetic pages.

    Attributes:
        codes: Language codes.
        shares: Cumulative share of pages of each language; the last is 1.
        rivers: One river for each language.
        noise: Texts that many sites use, from frequent to rare, for each language.
        slugs: Lower-case words joined by hyphens, for URLs.
    """

    codes: tuple[str, ...]
    shares: Fractions
    rivers: tuple[River, ...]
    noise: tuple[tuple[str, ...], ...]
    slugs: River


def read_words() -> Words:
    """Makes the rivers from the captions of the shipped pages, in about a second."""
    languages = read_languages()
    # With this exponent English has about half of all pages, as on the web.
    weights = np.array([language.image_links**1.9 for language in languages.values()])
    slug_words = sorted({word for word in re.split("[^a-z0-9]+", _all_text(languages[LATIN_LANGUAGE])) if word})
    return Words(
        codes=tuple(languages),
        shares=np.cumsum(weights) / weights.sum(),
        rivers=tuple(_language_river(code, language) for code, language in languages.items()),
        noise=tuple(language.noise for language in languages.values()),
        slugs=_river("slugs", slug_words, "-"),
    )


def _all_text(language: Language) -> str:
    return " ".join(_phrases(language)).lower()


def _phrases(language: Language) -> list[str]:
    phrases = list(language.captions)
    for site in language.sites:
        phrases += [*site.subjects, *site.details, *site.moments]
    return phrases


def _language_river(code: str, language: Language) -> River:
    words = [word for phrase in _phrases(language) for word in phrase.split()]
    return _river(code, words, "" if code in WRITTEN_WITHOUT_SPACES else " ")


def _river(name: str, words: list[str], gap: str) -> River:
    """Draws words, each in proportion to the times that it is listed, and joins them."""
    key = int.from_bytes(name.encode())
    indices = (hashed_fractions(RIVER_WORDS, key) * len(words)).astype(np.int64)
    drawn = [words[index] for index in indices.tolist()]
    lengths = np.array([len(word) + len(gap) for word in drawn])
    return River(gap.join(drawn), np.cumsum(lengths) - lengths, len(gap))
