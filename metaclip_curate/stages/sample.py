"""Matched pairs to the pairs that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import balance
from metaclip_curate.options import DrawOptions
from metaclip_curate.schemas import MANIFEST, MATCHED, ddl
from metaclip_curate.stages.partitioning import by_language, first_of_each_run

# Rows of the manifest and the place of each in its random order.
ORDERED = MANIFEST.append(pa.field("order_key", pa.int64()))


@dataclass(frozen=True)
class LanguageHead:
    """The entries of a language that are down-sampled; all others have probability 1.

    The head is small whatever the metadata's size (an entry of it has more than t texts), so it can travel to the
    workers inside the task.

    Attributes:
        entries: Number of entries of the language.
        ids: The head's entry ids.
        probabilities: Their probabilities.
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


def head_entries(
    spark: SparkSession, counts: DataFrame, thresholds: Sequence[tuple[str, int, int]]
) -> dict[str, LanguageHead]:
    """Gathers the entries whose probability is below 1.

    Args:
        spark: The session.
        counts: Rows of `schemas.COUNTS`.
        thresholds: Language, its t, and its number of entries.

    Returns:
        The head of each language.
    """
    limits = spark.createDataFrame([(name, t) for name, t, _ in thresholds], "metadata_lang string, t bigint")
    over = counts.join(F.broadcast(limits), "metadata_lang").filter(F.col("count") > F.col("t"))
    found: dict[str, list[tuple[int, int]]] = {}
    for language, entry_id, count in over.select("metadata_lang", "entry_id", "count").collect():
        found.setdefault(language, []).append((entry_id, count))
    heads = {}
    for language, t, entries in thresholds:
        ids, head_counts = np.array(sorted(found.get(language, [])), dtype=np.int64).reshape(-1, 2).T
        heads[language] = LanguageHead(entries, ids.astype(np.int32), balance.entry_probabilities(head_counts, t))
    return heads


def drawing_texts(matched: DataFrame, draw: DrawOptions) -> DataFrame:
    """Leaves the texts that go on to the draw: all, or of each image the one with the smallest selection key.

    Args:
        matched: Rows with the columns image_id and uid and any others.
        draw: Seed and texts per image.

    Returns:
        Rows with the same columns.
    """
    if draw.texts_per_image == "all":
        return matched
    schema = ", ".join(f"{name} {kind}" for name, kind in matched.dtypes)
    keyed = matched.mapInArrow(_selection_keys(draw.seed), f"{schema}, selection bigint")
    # A shuffle by image brings its texts together; the first in the order of the key stays.
    ordered = keyed.repartition("image_id").sortWithinPartitions("image_id", "selection", "uid").drop("selection")
    return ordered.mapInArrow(_first_of_each_image, schema)


def _first_of_each_image(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return first_of_each_run(batches, ["image_id"])


def _selection_keys(seed: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            keys = balance.selection_keys(batch.column(batch.schema.get_field_index("uid")), seed)
            # Spark's integers are signed: flipping the highest bit keeps the order.
            signed = (keys ^ np.uint64(1 << 63)).view(np.int64)
            schema = batch.schema.append(pa.field("selection", pa.int64()))
            yield pa.RecordBatch.from_arrays([*batch.columns, pa.array(signed)], schema=schema)

    return add


def sample(matched: DataFrame, head: Head, draw: DrawOptions) -> DataFrame:
    """Draws: keeps the pairs whose draw is below their keep probability.

    Args:
        matched: Rows of `schemas.MATCHED`.
        head: From `head_entries`.
        draw: Seed and texts per image.

    Returns:
        Rows of `schemas.MANIFEST` and order_key, the place of each in the manifest's random order.
    """
    columns = drawing_texts(matched, draw).select(*MATCHED.names)
    return columns.mapInArrow(_sampler(head, draw.seed), ddl(ORDERED))


def _sampler(head: Head, seed: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch, probabilities in with_probabilities(batches, head):
            drawn = balance.draws(batch.column(0), seed)
            keep = drawn < probabilities
            kept = batch.filter(pa.array(keep))
            order = (balance.order_keys(kept.column(0), seed) >> np.uint64(1)).astype(np.int64)
            columns = [*kept.columns, pa.array(probabilities[keep]), pa.array(drawn[keep]), pa.array(order)]
            yield pa.RecordBatch.from_arrays(columns, schema=ORDERED)

    return run


def with_probabilities(
    batches: Iterator[pa.RecordBatch], head: Head
) -> Iterator[tuple[pa.RecordBatch, balance.Floats]]:
    """Computes keep probabilities, holding one language's entries at a time.

    Args:
        batches: With the columns metadata_lang and entry_ids and any others.
        head: From `head_entries`.

    Yields:
        The rows of each batch, those of a language together, and the keep probability of each row.
    """
    current, everything = "", np.empty(0, dtype=np.float64)
    for unordered in batches:
        # Where rows stand by image, languages alternate, and each change costs the making of an array.
        batch = unordered.sort_by("metadata_lang")
        for language, rows in by_language(batch):
            if language != current:
                current, everything = language, head[language].all_probabilities()
            entry_ids = rows.column(rows.schema.get_field_index("entry_ids"))
            yield rows, balance.keep_probabilities(entry_ids, everything)
