"""The order of the samples of an epoch, which is the same for any number of processes.

The shards are put into an order that is random by (seed, epoch) and concatenated; of each shard, only the samples that
the epoch uses count. This sequence is cut into streams of equal length, in the middle of a shard if need be, and sample
g of the epoch is sample g // streams of stream g mod streams. A batch thus comes from as many shards as there are
streams, while each stream is read from front to back.

Rank r of R and its worker w of W read the samples with (g - start) mod R = r and (g - start) div R mod W = w, where
start is the sample at which the epoch is resumed. If R W divides the number of streams, no two workers read the same
stream; otherwise the samples are still right, but shards are read more than once. The state of an epoch is a single
number, the samples consumed so far.

The price is that a sample is never far from the other samples of its shard, within which only windows are shuffled.
That costs little, since the order of the manifest is random and each shard a random sample of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from metaclip_curate.balance import hash_words
from metaclip_curate.trainer.data.selection import derived_seed
from metaclip_curate.trainer.data.shards import Indices

_SHARD_ORDER = 0x73686172  # keeps the order of the shards independent of the draws with the same seed


@dataclass(frozen=True)
class SampleLocation:
    """The position of a sample.

    Attributes:
        shard: Index of the shard.
        copy: Copy of the shard, from 0.
        window: Index of the window among the used samples of the copy.
        offset: Position in the shuffled window.
        end: Position in the window after the last sample that belongs to the same stream.
    """

    shard: int
    copy: int
    window: int
    offset: int
    end: int


@dataclass(frozen=True)
class EpochSampler:
    """The samples of one epoch in order.

    Attributes:
        counts: Number of samples that the epoch uses of each shard and copy, shape (shards, copies).
        streams: Number of streams.
        window: Number of samples of a shard that are shuffled together.
        seed: The seed of the selection.
        epoch: The epoch, from 0.
    """

    counts: Indices
    streams: int
    window: int
    seed: int
    epoch: int

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    @cached_property
    def _permutation(self) -> npt.NDArray[np.int64]:
        """Copies of shards (shard x copies + copy) in the order of the epoch."""
        keys = hash_words(
            np.arange(self.counts.size, dtype=np.uint64), derived_seed(self.seed, self.epoch, _SHARD_ORDER)
        )
        return np.asarray(np.argsort(keys, kind="stable"))

    @cached_property
    def _ends(self) -> Indices:
        return np.asarray(np.cumsum(self.counts.reshape(-1)[self._permutation]), dtype=np.int64)

    def stream_length(self, stream: int) -> int:
        """Returns the number of samples of a stream; any two streams differ by at most one."""
        return len(self) // self.streams + (stream < len(self) % self.streams)

    def locate(self, stream: int, index: int) -> SampleLocation:
        """Finds a sample by its index in a stream."""
        before = stream * (len(self) // self.streams) + min(stream, len(self) % self.streams)
        position = before + index
        slot = int(np.searchsorted(self._ends, position, side="right"))
        shard, copy = divmod(int(self._permutation[slot]), self.counts.shape[1])
        count = int(self.counts[shard, copy])
        window, offset = divmod(position - (int(self._ends[slot]) - count), self.window)
        left = self.stream_length(stream) - index
        end = min(offset + left, self.window, count - window * self.window)
        return SampleLocation(shard, copy, window, offset, end)

    def share(self, start: int, stop: int, reader: int, readers: int) -> Iterator[tuple[int, int, int]]:
        """Yields the samples of one of several readers.

        Args:
            start: First sample of all readers together.
            stop: Sample after their last.
            reader: Index of this reader: rank + worker x world size.
            readers: Number of readers: world size x workers.

        Yields:
            The sample, its stream, and its index in the stream.
        """
        for sample in range(start + reader, min(stop, len(self)), readers):
            yield sample, sample % self.streams, sample // self.streams
