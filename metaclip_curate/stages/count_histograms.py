"""Entry counts to histograms: how many of a language's entries have each count."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from metaclip_curate.stages.shared.sorted_batches import by_language
from metaclip_curate.thresholds import CountHistogram

_PACKED = "metadata_lang string, histogram binary"
_PACKED_NAMES = ["metadata_lang", "histogram"]

Batches = Iterator[pa.RecordBatch]


def count_histograms(counts: DataFrame) -> dict[str, CountHistogram]:
    """Counts how many entries have each count. The histograms of all languages fit into the driver's memory.

    Args:
        counts: Rows of `schemas.COUNTS`.

    Returns:
        Histogram by language.
    """
    parts: dict[str, list[npt.NDArray[np.int64]]] = {}
    # 16 bytes for each count of a task, where a row of each would take 300.
    for row in counts.select("metadata_lang", "count").mapInArrow(_histograms, _PACKED).collect():
        packed = np.frombuffer(row["histogram"], dtype=np.int64).reshape(2, -1)
        parts.setdefault(row["metadata_lang"], []).append(packed)
    histograms = {}
    for language in sorted(parts):
        values, entries = np.concatenate(parts[language], axis=1)
        histograms[language] = CountHistogram(*_added_up(values, entries))
    return histograms


def _histograms(batches: Batches) -> Batches:
    found: dict[str, npt.NDArray[np.int64]] = {}
    for batch in batches:
        for language, rows in by_language(batch):
            histogram = np.stack(np.unique(rows.column(1).to_numpy(), return_counts=True))
            before = found.get(language, histogram[:, :0])
            found[language] = np.stack(_added_up(*np.concatenate([before, histogram], axis=1)))
    for language, histogram in found.items():
        packed = [pa.array([language]), pa.array([histogram.tobytes()])]
        yield pa.RecordBatch.from_arrays(packed, names=_PACKED_NAMES)


def _added_up(
    values: npt.NDArray[np.int64], entries: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Adds up the numbers of entries of equal values, and sorts by value."""
    different, positions = np.unique(values, return_inverse=True)
    sums = np.zeros(len(different), dtype=np.int64)
    np.add.at(sums, positions, entries)
    return different, sums
