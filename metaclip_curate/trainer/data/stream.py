"""Reading a lane of an epoch from front to back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from metaclip_curate.trainer.data.sampler import EpochOrder, Place
from metaclip_curate.trainer.data.selection import Sampling
from metaclip_curate.trainer.data.shards import ImageBytes, Places, Source

_COLUMNS = ("image", "uid", "text", "language")


@dataclass(frozen=True)
class StoredPair:
    """A pair as it is stored.

    Attributes:
        uid: 32 hex digits.
        text: The text.
        language: The metadata language.
        image: The image file's bytes; none where they are missing.
        key: The hash of (seed, epoch, copy, uid) by which it was shuffled.
        problem: Why they are missing.
    """

    uid: str
    text: str
    language: str
    image: bytes
    key: int
    problem: str = ""


class LaneReader:
    """Gives the samples of a lane, asked for in ascending order.

    Args:
        source: Where shards come from.
        sampling: What of them is used.
        order: The epoch's.
        lane: Which lane.
    """

    def __init__(self, source: Source, sampling: Sampling, order: EpochOrder, lane: int) -> None:
        self._source, self._sampling, self._order, self._lane = source, sampling, order, lane
        self._shard = (-1, -1)
        self._images: ImageBytes | None = None
        self._window = -1
        self._pairs: dict[int, StoredPair] = {}

    def get(self, number: int) -> StoredPair:
        """Gives a sample of the lane; none that stood before it can be asked for any more."""
        place = self._order.locate(self._lane, number)
        if (place.shard, place.copy) != self._shard:
            self._open(place)
        if place.window != self._window:
            self._fill(place)
        return self._pairs.pop(place.offset)

    def close(self) -> None:
        """Closes what is open."""
        if self._images is not None:
            self._images.close()
            self._images = None

    def _open(self, place: Place) -> None:
        self.close()
        columns = tuple(dict.fromkeys([*_COLUMNS, *self._sampling.columns]))
        shard = self._source.shard(place.shard, columns)
        self._keys = shard.keys
        used = self._sampling.used(shard.texts, self._order.epoch, place.copy)
        self._texts: pa.Table = shard.texts.take(pa.array(used, pa.int64())).select(list(_COLUMNS)).combine_chunks()
        self._images = self._source.open(place.shard)
        self._shard, self._window = (place.shard, place.copy), -1

    def _fill(self, place: Place) -> None:
        """Reads those of a window that the lane needs, in the order in which they are stored."""
        assert self._images is not None
        size = self._order.window
        texts = self._texts.slice(place.window * size, size)
        keys = self._sampling.order(texts["uid"].combine_chunks(), self._order.epoch, place.copy)
        shuffled: Places = np.argsort(keys, kind="stable")
        wanted = {int(row): offset for offset, row in enumerate(shuffled) if place.offset <= offset < place.last}
        rows = sorted(wanted)
        found = texts.take(pa.array(rows, pa.int64())).to_pylist()
        images = self._images.take([self._keys[pair["image"]] for pair in found])
        self._pairs = {}
        for row, pair in zip(rows, found, strict=True):
            image = images.get(self._keys[pair["image"]])
            problem = "" if image is not None else self._images.problem or "missing from its shard"
            self._pairs[wanted[row]] = StoredPair(
                pair["uid"], pair["text"], pair["language"], image or b"", int(keys[row]), problem
            )
        self._window = place.window
