"""The texts that draw, and their keep probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from metaclip_curate import balance
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import MANIFEST
from metaclip_curate.stages.shared.language_values import entries_above
from metaclip_curate.stages.shared.partitioning import by_language, first_of_each_run

# Rows of the manifest, and the key that gives their random order.
ORDERED = MANIFEST.append(pa.field("order_key", pa.int64()))


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


def head_entries(counts: DataFrame, thresholds: Sequence[tuple[str, int, int]]) -> dict[str, LanguageHead]:
    """Collects the entries whose probability is below 1.

    Args:
        counts: Rows of `schemas.COUNTS`.
        thresholds: Language, its t, and its number of entries.

    Returns:
        Head by language.
    """
    over = entries_above(counts, {name: t for name, t, _ in thresholds})
    found: dict[str, list[tuple[int, int]]] = {}
    for language, entry_id, count in over.select("metadata_lang", "entry_id", "count").collect():
        found.setdefault(language, []).append((entry_id, count))
    heads = {}
    for language, t, entries in thresholds:
        ids, head_counts = np.array(sorted(found.get(language, [])), dtype=np.int64).reshape(-1, 2).T
        heads[language] = LanguageHead(entries, ids.astype(np.int32), balance.entry_probabilities(head_counts, t))
    return heads


def drawing_texts(matched: DataFrame, draw: DrawOptions) -> DataFrame:
    """Returns the texts that draw: all, or of each image the one with the smallest selection key.

    Args:
        matched: Rows with image_id, uid and any other columns.
        draw: Seed and number of texts per image.

    Returns:
        Rows with the same columns.
    """
    if draw.texts_per_image == "all":
        return matched
    schema = ", ".join(f"{name} {kind}" for name, kind in matched.dtypes)
    keyed = matched.mapInArrow(_selection_keys(draw.seed), f"{schema}, selection bigint")
    # A shuffle by image brings its texts together, of which the first in the order of the key stays.
    ordered = keyed.repartition("image_id").sortWithinPartitions("image_id", "selection", "uid").drop("selection")
    return ordered.mapInArrow(_first_of_each_image, schema)


def _first_of_each_image(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return first_of_each_run(batches, ["image_id"])


def _selection_keys(seed: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            keys = balance.selection_keys(batch.column(batch.schema.get_field_index("uid")), seed)
            schema = batch.schema.append(pa.field("selection", pa.int64()))
            yield pa.RecordBatch.from_arrays([*batch.columns, pa.array(signed(keys))], schema=schema)

    return add


def signed(keys: balance.Words) -> npt.NDArray[np.int64]:
    """Returns unsigned keys as signed ones, which Spark has, in the same order."""
    return (keys ^ np.uint64(1 << 63)).view(np.int64)


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
