"""Sums of probabilities that are the same to the last bit in any order and partitioning.

Probabilities are added up as whole multiples of 2^-53, in two halves that can't overflow: the carry of the low half
goes to the high one before a task returns its sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from metaclip_curate.balance import Floats

_SCALE_BITS = 53
_LOW_BITS = 32


def rounded_sum(high: int, low: int) -> float:
    """Returns the sum of two halves, rounded once, to float64."""
    return float(((high << _LOW_BITS) + low) / 2**_SCALE_BITS)


class ExactSums:
    """Sums by candidate and slot.

    Attributes:
        high, low: The two halves, shape (candidates, slots).
    """

    def __init__(self, candidates: int, slots: int) -> None:
        self.high = np.zeros((candidates, slots), dtype=np.int64)
        self.low = np.zeros((candidates, slots), dtype=np.int64)

    def add(self, slots: npt.NDArray[np.integer[Any]], probabilities: Floats) -> None:
        """Adds a batch.

        Args:
            slots: Slot of each of n probabilities, shape (n,); -1 is the last slot.
            probabilities: Shape (candidates, n), n at most 2^20.
        """
        count = self.high.shape[1]
        slot = np.asarray(slots, dtype=np.int64) % count
        for candidate, scaled in enumerate(np.rint(probabilities * 2.0**_SCALE_BITS).astype(np.int64)):
            # Sums of a batch's halves are below 2^53, so that bincount's doubles are exact.
            self.high[candidate] += np.bincount(slot, scaled >> _LOW_BITS, count).astype(np.int64)
            self.low[candidate] += np.bincount(slot, scaled & (2**_LOW_BITS - 1), count).astype(np.int64)
        self.high += self.low >> _LOW_BITS
        self.low &= 2**_LOW_BITS - 1
