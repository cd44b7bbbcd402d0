"""The languages of one file's texts. Half of the texts of a file repeat: each different one is identified once."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

# Texts are remembered up to this many characters of them, about 100 MB.
_REMEMBERED_CHARACTERS = 1 << 24


class Identifier(Protocol):
    """What identifies languages; `language.LanguageIdentifier` is one."""

    def identify(self, texts: pa.Array) -> tuple[pa.Array, pa.Array]:
        """Returns a label (string) and its probability (float32) for each text."""


class TextLanguages:
    """Remembers what an identifier said.

    Args:
        identifier: Without one every label is empty and its probability 0.
    """

    def __init__(self, identifier: Identifier | None) -> None:
        self._identifier = identifier
        self._known: dict[str, tuple[str, float]] = {}
        self._remembered = 0

    def identify(self, texts: list[str]) -> tuple[pa.Array, pa.Array]:
        """Returns a label (string) and its probability (float32) for each text."""
        if self._identifier is None:
            return pa.repeat(pa.scalar(""), len(texts)), pa.repeat(pa.scalar(0.0, pa.float32()), len(texts))
        known = self._known
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        labels, scores = self._identifier.identify(pa.array(fresh, pa.string()))
        known.update(zip(fresh, zip(labels.to_pylist(), scores.to_pylist(), strict=True), strict=True))
        found = [known[text] for text in texts]
        self._remembered += sum(map(len, fresh))
        if self._remembered > _REMEMBERED_CHARACTERS:
            self._known, self._remembered = {}, 0
        found_labels, found_scores = zip(*found, strict=True)
        return pa.array(found_labels, pa.string()), pa.array(found_scores, pa.float32())
