"""Keep probabilities of matched pairs, without Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate import balance
from metaclip_curate.stages.shared.sorted_batches import by_language


@dataclass(frozen=True)
class LanguageHead:
    """The entries of a language that are down-sampled; all others have probability 1.

    The head is small for metadata of any size, since each of its entries has more than t texts, so that it travels to
    the workers inside the task.

    Attributes:
        entries: Number of entries of the language.
        ids: Entry ids of the head, shape (n,).
        probabilities: Their probabilities, shape (n,).
    """

    entries: int
    ids: npt.NDArray[np.int32]
    probabilities: npt.NDArray[np.float64]

    def all_probabilities(self) -> balance.Floats:
        """Returns the probability of every entry, shape (entries,)."""
        everything = np.ones(self.entries, dtype=np.float64)
        everything[self.ids] = self.probabilities
        return everything


Head = Mapping[str, LanguageHead]


class Probabilities:
    """Keep probabilities of rows of any languages. It holds one language's entries at a time.

    Args:
        head: Heads of the languages, from `head_entries`.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._language = ""
        self._entries = np.empty(0, dtype=np.float64)

    def of(self, batch: pa.RecordBatch) -> balance.Floats:
        """Returns the keep probability of each row, shape (n,).

        Args:
            batch: n rows with metadata_lang, entry_ids and any other columns.
        """
        column, entry_ids = batch.column("metadata_lang"), batch.column("entry_ids")
        languages = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        numbers = languages.indices.to_numpy()
        result = np.empty(batch.num_rows, dtype=np.float64)
        for number in np.unique(numbers).tolist():
            rows = numbers == number
            its_ids = entry_ids if rows.all() else entry_ids.filter(pa.array(rows))
            result[rows] = balance.keep_probabilities(its_ids, self._of_entries(languages.dictionary[number].as_py()))
        return result

    def _of_entries(self, language: str) -> balance.Floats:
        if language != self._language:
            self._language, self._entries = language, self._head[language].all_probabilities()
        return self._entries


def with_probabilities(
    batches: Iterator[pa.RecordBatch], head: Head
) -> Iterator[tuple[pa.RecordBatch, balance.Floats]]:
    """Computes keep probabilities, holding one language's entries at a time.

    Args:
        batches: Rows with metadata_lang, entry_ids and any other columns.
        head: Heads of the languages, from `head_entries`.

    Yields:
        Rows of one language, and the keep probability of each.
    """
    probabilities = Probabilities(head)
    for unordered in batches:
        # In rows sorted by image, languages alternate, and each change would build an array.
        for _, rows in by_language(unordered.sort_by("metadata_lang")):
            yield rows, probabilities.of(rows)
