"""The texts that draw, and the entries that are down-sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from metaclip_curate import balance
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.stages.draw_rows import with_selection_key
from metaclip_curate.stages.keep_probabilities import LanguageHead
from metaclip_curate.stages.shared.language_values import entries_above
from metaclip_curate.stages.shared.sorted_batches import first_of_each_run


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
            yield with_selection_key(batch, seed)

    return add
