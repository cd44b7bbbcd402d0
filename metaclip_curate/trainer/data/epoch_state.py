"""The position of a data set in its epochs, in memory that DataLoader workers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from metaclip_curate.trainer.data.shards import Indices
from metaclip_curate.trainer.data.stream import StreamOptions
from metaclip_curate.trainer.data.workers import shared_zeros

_LEAST_STREAMS = 16
_EPOCH, _POSITION, _STREAMS, _WINDOW, _COUNTED_EPOCH, _SIZE = range(6)


class EpochState:
    """Epoch, position, streams and the counts of the current epoch.

    They lie in shared memory, so that workers that stay alive see the next epoch.

    Args:
        options: Streams and window.
        shards: Number of shards.
        copies: Number of copies of a shard.
    """

    def __init__(self, options: StreamOptions, shards: int, copies: int) -> None:
        self._values = shared_zeros(_SIZE)
        self._values[_STREAMS], self._values[_WINDOW] = options.streams, options.window
        self._values[_COUNTED_EPOCH] = -1
        self._counts = shared_zeros(shards, copies)

    @property
    def epoch(self) -> int:
        """The current epoch, from 0."""
        return int(self._values[_EPOCH])

    @property
    def position(self) -> int:
        """Number of samples of the current epoch that all ranks together have consumed."""
        return int(self._values[_POSITION])

    @property
    def window(self) -> int:
        """Number of samples of a shard that are shuffled together."""
        return int(self._values[_WINDOW])

    def move_to(self, epoch: int, position: int) -> None:
        """Sets the epoch and the position in it.

        Raises:
            ValueError: One of them is negative.
        """
        if epoch < 0 or position < 0:
            raise ValueError(f"there is no epoch {epoch} with a position {position}")
        self._values[_EPOCH], self._values[_POSITION] = epoch, position

    def set_streams(self, streams: int, window: int) -> None:
        """Sets streams and window to those of a checkpoint."""
        self._values[_STREAMS], self._values[_WINDOW] = streams, window

    def streams_for(self, readers: int) -> int:
        """Returns the number of streams, which the number of readers in the first call decides unless it is set."""
        if not self._values[_STREAMS]:
            self._values[_STREAMS] = readers * -(-_LEAST_STREAMS // readers)
        return int(self._values[_STREAMS])

    def counts(self, count: Callable[[], Indices]) -> Indices:
        """Returns the counts of the current epoch, which the first process to ask computes.

        Args:
            count: Computes the number of samples of each shard and copy, shape (shards, copies).
        """
        if self.epoch != self._values[_COUNTED_EPOCH]:
            self.set_counts(count())
        counts: Indices = self._counts.numpy().copy()
        return counts

    def set_counts(self, counts: npt.NDArray[np.integer[Any]]) -> None:
        """Sets the counts of the current epoch, shape (shards, copies)."""
        self._counts.copy_(torch.from_numpy(counts))
        self._values[_COUNTED_EPOCH] = self.epoch
