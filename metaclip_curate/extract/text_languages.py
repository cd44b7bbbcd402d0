"""The languages of one file's texts. Half of the texts of a file repeat: each different one is identified once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

# Texts are remembered up to this many characters of them, about 100 MB.
_REMEMBERED_CHARACTERS = 1 << 24


class Identifier(Protocol):
    """What identifies languages; `language.LanguageIdentifier` is one."""

    def identify_each(self, texts: Sequence[str], /) -> tuple[pa.Array, pa.Array]:
        """Returns a label (string) and its probability (float32) for each text."""


class TextLanguages:
    """Remembers what an identifier said.

    Args:
        identifier: Without one every label is empty and its probability 0.
    """

    def __init__(self, identifier: Identifier | None) -> None:
        self._identifier = identifier
        self._forget()

    def _forget(self) -> None:
        self._places: dict[str, int] = {}  # where a text's answer stands below
        self._labels, self._scores = pa.array([], pa.string()), pa.array([], pa.float32())
        self._remembered = 0

    def identify(self, texts: Sequence[str]) -> tuple[pa.Array, pa.Array]:
        """Returns a label (string) and its probability (float32) for each text."""
        if self._identifier is None:
            return pa.repeat(pa.scalar(""), len(texts)), pa.repeat(pa.scalar(0.0, pa.float32()), len(texts))
        places = self._places
        fresh = [text for text in dict.fromkeys(texts) if text not in places]
        places.update(zip(fresh, range(len(places), len(places) + len(fresh)), strict=True))
        labels, scores = self._identifier.identify_each(fresh)
        self._labels = pa.concat_arrays([self._labels, labels])
        self._scores = pa.concat_arrays([self._scores, scores])
        wanted = pa.array([places[text] for text in texts], pa.int32())
        found = self._labels.take(wanted), self._scores.take(wanted)
        self._remembered += sum(map(len, fresh))
        if self._remembered > _REMEMBERED_CHARACTERS:
            self._forget()
        return found
