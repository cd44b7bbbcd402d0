"""Sums of how many texts contain each entry, by language."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


class OccurrenceSums:
    """Number of texts that contain each entry, by language."""

    def __init__(self) -> None:
        self._sums: dict[str, npt.NDArray[np.int64]] = {}

    def add(self, language: str, ids: npt.NDArray[np.int32], counts: npt.NDArray[np.int64] | None = None) -> None:
        """Adds to the sums of a language.

        Args:
            language: Metadata language.
            ids: Entry ids, which may repeat, shape (n,).
            counts: What is added to each; None to count the ids.
        """
        sums = self._sums.get(language, np.empty(0, dtype=np.int64))
        largest = int(ids.max(initial=-1))
        if largest >= len(sums):
            # Twice as much, so that growing takes linear time.
            sums = np.concatenate([sums, np.zeros(max(largest + 1, 2 * len(sums)) - len(sums), dtype=np.int64)])
        if counts is None:
            added = np.bincount(ids)
            sums[: len(added)] += added
        else:
            np.add.at(sums, ids, counts)
        self._sums[language] = sums

    def of(self, language: str, entries: int) -> npt.NDArray[np.int64]:
        """Returns the sum of each of a language's entries, shape (entries,)."""
        sums = self._sums.get(language, np.empty(0, dtype=np.int64))[:entries]
        return np.concatenate([sums, np.zeros(entries - len(sums), dtype=np.int64)])

    def found(self) -> Iterator[tuple[str, npt.NDArray[np.int32], npt.NDArray[np.int64]]]:
        """Yields each language with the ids of the entries that occur, and their sums."""
        for language, sums in self._sums.items():
            ids = np.flatnonzero(sums)
            yield language, ids.astype(np.int32), sums[ids]
