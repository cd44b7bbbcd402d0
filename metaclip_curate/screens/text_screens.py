"""Screens that look at the texts and what was found about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.matching import Matcher
from metaclip_curate.options.match import EntrySpacing, Normalization
from metaclip_curate.screens.pairs import Mask, ScreenedPairs, mask_of
from metaclip_curate.screens.personal_data import has_personal_data


class WordScreen:
    """Rejects texts that contain a listed word of their language, in upper or lower case.

    Args:
        words: Words by language.
        spacing: How words and texts are padded with spaces, as for entries.
        normalize: How words and texts are normalised, as for entries.
    """

    reason = "words"

    def __init__(
        self, words: Mapping[str, Sequence[str]], spacing: EntrySpacing = "metaclip2", normalize: Normalization = "nfc"
    ) -> None:
        self._words = words
        self._spacing: EntrySpacing = spacing
        self._normalize: Normalization = normalize
        self._matchers: dict[str, Matcher] = {}

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which texts contain a word of their language's list."""
        if pairs.language not in self._words:
            return np.zeros(pairs.rows.num_rows, np.bool_)
        if pairs.language not in self._matchers:
            lowered = pc.utf8_lower(pa.array(self._words[pairs.language], pa.string())).to_pylist()
            self._matchers[pairs.language] = Matcher(lowered, self._spacing, self._normalize)
        found = self._matchers[pairs.language].match(pc.utf8_lower(pairs.column("text")))
        return mask_of(pc.greater(pc.list_value_length(found), 0))


class PersonalDataScreen:
    """Rejects texts with an e-mail address, a telephone number, a payment card's number or an IBAN."""

    reason = "personal_data"

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which texts have personal data."""
        return has_personal_data(pairs.column("text"), pairs.language)


class LengthScreen:
    """Rejects texts that are too short or too long.

    Args:
        min_characters: Smallest number of Unicode code points; None for no limit.
        max_characters: Largest number of Unicode code points; None for no limit.
        min_words: Smallest number of pieces between white space; None for no limit.
    """

    reason = "length"

    def __init__(
        self, min_characters: int | None = None, max_characters: int | None = None, min_words: int | None = None
    ) -> None:
        self._min_characters = min_characters
        self._max_characters = max_characters
        self._min_words = min_words

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which texts are outside of the limits."""
        texts = pairs.column("text")
        rejected = np.zeros(len(texts), np.bool_)
        if self._min_characters is not None or self._max_characters is not None:
            characters = pc.utf8_length(texts).to_numpy()
            rejected |= characters < (self._min_characters or 0)
            if self._max_characters is not None:
                rejected |= characters > self._max_characters
        if self._min_words is not None:
            words = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(texts)))
            rejected |= words.to_numpy() < self._min_words
        return rejected


class LanguageScoreScreen:
    """Rejects texts of whose language the model is less sure than a limit.

    Args:
        limit: Probability of the label below which a text is rejected.
    """

    reason = "language_score"

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def rejects(self, pairs: ScreenedPairs) -> Mask:
        """Returns which texts have a label that is less probable."""
        scores = pairs.column("lang_score").to_numpy(zero_copy_only=False).astype(np.float64)
        rejected: Mask = scores < self._limit
        return rejected
