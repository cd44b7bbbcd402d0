"""The order of an epoch: one for all, whatever the number of processes that read it.

Shards stand in an order that is random by (seed, epoch), one behind the other; what is used of each counts. The
whole is cut into lanes of equal length, in the middle of a shard where need be, and sample g of the epoch is sample
g // lanes of lane g mod lanes. So a batch comes from as many shards as there are lanes, while each lane is read from
front to back.

Rank r of R and its worker w of W take the samples with (g - start) mod R = r and (g - start) div R mod W = w, start
being where the epoch goes on. Where R W divides the number of lanes, no two workers read the same lane; elsewhere all
is read rightly, but shards more than once. The state of an epoch is one number, the samples consumed.

What this trades away: a sample never stands far from those of its shard, in which it is shuffled by windows only. The
manifest's order is random already, so shards are random samples of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from metaclip_curate.balance import hash_words
from metaclip_curate.trainer.data.selection import derived_seed
from metaclip_curate.trainer.data.shards import Places

_SHARD_ORDER = 0x73686172  # sets the shards' order apart from the draws of the same seed


@dataclass(frozen=True)
class Place:
    """Where a sample is.

    Attributes:
        shard: The shard's number.
        copy: Which of the shard's copies.
        window: Number of the window within the used samples of the copy.
        offset: Place in the shuffled window.
        last: Place behind the last in this window that belongs to the same lane.
    """

    shard: int
    copy: int
    window: int
    offset: int
    last: int


@dataclass(frozen=True)
class EpochOrder:
    """An epoch's samples.

    Attributes:
        counts: How many samples of each shard and copy the epoch uses, shape (shards, copies).
        lanes: Number of lanes.
        window: Samples that are shuffled together, within a shard.
        seed: The sampling's.
        epoch: From 0.
    """

    counts: Places
    lanes: int
    window: int
    seed: int
    epoch: int

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    @cached_property
    def _permutation(self) -> npt.NDArray[np.int64]:
        """Shards' copies (shard x copies + copy) in the order of the epoch."""
        keys = hash_words(
            np.arange(self.counts.size, dtype=np.uint64), derived_seed(self.seed, self.epoch, _SHARD_ORDER)
        )
        return np.asarray(np.argsort(keys, kind="stable"))

    @cached_property
    def _ends(self) -> Places:
        return np.asarray(np.cumsum(self.counts.reshape(-1)[self._permutation]), dtype=np.int64)

    def lane_length(self, lane: int) -> int:
        """Number of samples of a lane; those of two lanes differ by one at most."""
        return len(self) // self.lanes + (lane < len(self) % self.lanes)

    def locate(self, lane: int, number: int) -> Place:
        """Finds sample `number` of a lane."""
        before = lane * (len(self) // self.lanes) + min(lane, len(self) % self.lanes)
        at = before + number
        slot = int(np.searchsorted(self._ends, at, side="right"))
        shard, copy = divmod(int(self._permutation[slot]), self.counts.shape[1])
        count = int(self.counts[shard, copy])
        within = at - (int(self._ends[slot]) - count)
        window, offset = divmod(within, self.window)
        left = self.lane_length(lane) - number
        last = min(offset + left, self.window, count - window * self.window)
        return Place(shard, copy, window, offset, last)

    def share(self, start: int, stop: int, part: int, parts: int) -> Iterator[tuple[int, int, int]]:
        """The samples of one of several readers.

        Args:
            start: The first sample of all readers.
            stop: Behind their last.
            part: rank + worker x ranks.
            parts: ranks x workers.

        Yields:
            The sample, its lane and its number in the lane.
        """
        for sample in range(start + part, min(stop, len(self)), parts):
            yield sample, sample % self.lanes, sample // self.lanes
