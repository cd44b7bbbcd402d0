"""An order of samples in which those that share entries are far apart, so that batches have more different entries."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from metaclip_curate.trainer.data.shards import Indices


def spread_entries(entry_ids: pa.ListArray) -> Indices:
    """Orders samples so that the occurrences of each entry are spread evenly.

    Each step takes the sample whose entries have been used least, as a share of their occurrences, and of
    equals the first.

    Args:
        entry_ids: Entry ids of each sample, in a random order, shape (samples,).

    Returns:
        Index of each sample in the new order, shape (samples,).
    """
    samples = len(entry_ids)
    sizes = np.diff(entry_ids.offsets.to_numpy())
    _, entries, occurrences = np.unique(entry_ids.flatten().to_numpy(), return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    # What a use of an entry adds to the score of each sample that has it.
    weights = np.zeros((samples, len(occurrences)))
    rows = np.repeat(np.arange(samples), sizes)
    weights[rows, entries] = 1 / (occurrences[entries] * sizes[rows])
    scores, order = np.zeros(samples), np.empty(samples, dtype=np.int64)
    for position in range(samples):
        chosen = int(np.argmin(scores))
        order[position] = chosen
        own = entries[ends[chosen] - sizes[chosen] : ends[chosen]]
        scores += weights[:, own].sum(axis=1)
        scores[chosen] = np.inf
    return order
