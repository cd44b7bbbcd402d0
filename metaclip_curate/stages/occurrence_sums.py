"""Sums of how many texts contain each entry, by language, and the rows of `counts` that they become. Without Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate.schemas import COUNTS

_ENTRIES_PER_BATCH = 50_000


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


def count_rows(
    languages: Iterable[str], sums: OccurrenceSums, read: Callable[[str], Sequence[str]]
) -> Iterator[pa.RecordBatch]:
    """Yields the counts of all entries of some languages, one language after another.

    Args:
        languages: The languages, in the order of the rows.
        sums: Number of texts that contain each entry.
        read: Returns the entries of a language.

    Yields:
        Rows of `schemas.COUNTS`.
    """
    for language in languages:
        entries = pa.array(read(language), pa.string())
        counts = pa.array(sums.of(language, len(entries)))
        for start in range(0, len(entries), _ENTRIES_PER_BATCH):
            part = entries.slice(start, _ENTRIES_PER_BATCH)
            ids = pa.array(np.arange(start, start + len(part), dtype=np.int32))
            columns = [pa.repeat(pa.scalar(language), len(part)), ids, part, counts.slice(start, len(part))]
            yield pa.RecordBatch.from_arrays(columns, schema=COUNTS)
