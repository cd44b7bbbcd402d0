"""Reading one stream of an epoch from front to back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.data.entry_order import spread_entries
from metaclip_curate.trainer.data.sampler import EpochSampler, SampleLocation
from metaclip_curate.trainer.data.selection import Selection
from metaclip_curate.trainer.data.shards import ImageReader, Indices, ShardSource

_COLUMNS = ("image", "uid", "text", "language")


@dataclass(frozen=True)
class StreamOptions:
    """How many streams an epoch is read in, and how they are shuffled. The samples of an epoch don't depend on it.

    Attributes:
        streams: Number of positions in the epoch that all processes together read at the same time, best a multiple of
            world size x workers. Default: 0, the smallest such multiple that is at least 16.
        window: Number of samples of a shard that are shuffled together; a stream holds that many image files in memory.
        by_entries: Whether the samples of a window that share entries are put far apart. An epoch has the same samples.
    """

    streams: int = 0
    window: int = 256
    by_entries: bool = False

    def __post_init__(self) -> None:
        if self.streams < 0 or self.window < 1:
            raise UserError(f"streams must be at least 0 and window at least 1, not {self.streams} and {self.window}")


@dataclass(frozen=True)
class StoredPair:
    """A pair with its image file as it is stored.

    Attributes:
        uid: 32 hex digits.
        text: The text.
        language: The metadata language.
        image: Bytes of the image file; empty if they are missing.
        key: The hash of (seed, epoch, copy, uid) by which the pair was shuffled.
        problem: The reason why the image is missing; empty if it isn't.
    """

    uid: str
    text: str
    language: str
    image: bytes
    key: int
    problem: str = ""


class StreamReader:
    """Returns the samples of one stream, which must be requested in ascending order.

    Args:
        source: The shards.
        selection: The texts that an epoch uses of them.
        sampler: The order of the epoch.
        stream: Index of the stream.
        by_entries: Whether the samples of a window that share entries are put far apart.
    """

    def __init__(
        self, source: ShardSource, selection: Selection, sampler: EpochSampler, stream: int, by_entries: bool = False
    ) -> None:
        self._source, self._selection, self._sampler, self._stream = source, selection, sampler, stream
        self._columns = (*_COLUMNS, "entry_ids") if by_entries else _COLUMNS
        self._shard = (-1, -1)
        self._images: ImageReader | None = None
        self._window = -1
        self._pairs: dict[int, StoredPair] = {}

    def get(self, index: int) -> StoredPair:
        """Returns a sample of the stream by its index; earlier samples can't be requested any more."""
        location = self._sampler.locate(self._stream, index)
        if (location.shard, location.copy) != self._shard:
            self._open(location)
        if location.window != self._window:
            self._fill(location)
        return self._pairs.pop(location.offset)

    def close(self) -> None:
        """Closes the open shard."""
        if self._images is not None:
            self._images.close()
            self._images = None

    def _open(self, location: SampleLocation) -> None:
        self.close()
        columns = tuple(dict.fromkeys([*self._columns, *self._selection.columns]))
        shard = self._source.shard(location.shard, columns)
        self._keys = shard.keys
        selected = self._selection.select(shard.texts, self._sampler.epoch, location.copy)
        self._texts: pa.Table = (
            shard.texts.take(pa.array(selected, pa.int64())).select(list(self._columns)).combine_chunks()
        )
        self._images = self._source.open(location.shard)
        self._shard, self._window = (location.shard, location.copy), -1

    def _fill(self, location: SampleLocation) -> None:
        """Reads the samples of a window that belong to the stream, in the order in which they are stored."""
        assert self._images is not None
        size = self._sampler.window
        texts = self._texts.slice(location.window * size, size)
        keys = self._selection.shuffle_keys(texts["uid"].combine_chunks(), self._sampler.epoch, location.copy)
        shuffled: Indices = np.argsort(keys, kind="stable")
        if "entry_ids" in self._columns:
            entry_ids = texts["entry_ids"].combine_chunks().take(pa.array(shuffled))
            shuffled = shuffled[spread_entries(entry_ids)]
        offsets = {int(row): offset for offset, row in enumerate(shuffled) if location.offset <= offset < location.end}
        rows = sorted(offsets)
        found = texts.select(list(_COLUMNS)).take(pa.array(rows, pa.int64())).to_pylist()
        images = self._images.take([self._keys[pair["image"]] for pair in found])
        self._pairs = {}
        for row, pair in zip(rows, found, strict=True):
            image = images.get(self._keys[pair["image"]])
            problem = "" if image is not None else self._images.problem or "missing from its shard"
            self._pairs[offsets[row]] = StoredPair(
                pair["uid"], pair["text"], pair["language"], image or b"", int(keys[row]), problem
            )
        self._window = location.window
