"""The languages of one file's texts. Half of a file's texts repeat, so each distinct one is identified once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

# Upper bound of the characters of the texts that are cached, which take about 100 MB.
_MOST_CHARACTERS = 1 << 24


class Identifier(Protocol):
    """Identifies languages, as `language.LanguageIdentifier` does."""

    def identify_each(self, texts: Sequence[str], /) -> tuple[pa.Array, pa.Array]:
        """Returns a label (string) and its probability (float32) for each text."""


class TextLanguages:
    """Caches the labels of texts.

    Args:
        identifier: Identifies texts that aren't cached. Without one, every label is empty and its probability 0.
    """

    def __init__(self, identifier: Identifier | None) -> None:
        self._identifier = identifier
        self._forget()

    def _forget(self) -> None:
        self._indices: dict[str, int] = {}  # of a text's label and score
        self._labels, self._scores = pa.array([], pa.string()), pa.array([], pa.float32())
        self._cached_characters = 0

    def identify(self, texts: Sequence[str]) -> tuple[pa.Array, pa.Array]:
        """Returns a label (string) and its probability (float32) for each text."""
        if self._identifier is None:
            return pa.repeat(pa.scalar(""), len(texts)), pa.repeat(pa.scalar(0.0, pa.float32()), len(texts))
        indices = self._indices
        fresh = [text for text in dict.fromkeys(texts) if text not in indices]
        indices.update(zip(fresh, range(len(indices), len(indices) + len(fresh)), strict=True))
        labels, scores = self._identifier.identify_each(fresh)
        self._labels = pa.concat_arrays([self._labels, labels])
        self._scores = pa.concat_arrays([self._scores, scores])
        requested = pa.array([indices[text] for text in texts], pa.int32())
        found = self._labels.take(requested), self._scores.take(requested)
        self._cached_characters += sum(map(len, fresh))
        if self._cached_characters > _MOST_CHARACTERS:
            self._forget()
        return found
