"""`CuratedPairs`: the pairs of a download, epoch by epoch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import IterableDataset

from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.trainer.data.decoding import BrokenImageError, decode
from metaclip_curate.trainer.data.epoch_size import EpochCounter, EpochCounts, fingerprint
from metaclip_curate.trainer.data.epoch_state import EpochState
from metaclip_curate.trainer.data.folder_source import ImageFolder
from metaclip_curate.trainer.data.pool_source import PoolTars
from metaclip_curate.trainer.data.sampler import EpochSampler
from metaclip_curate.trainer.data.selection import Selection, read_entry_probabilities
from metaclip_curate.trainer.data.shards import Pair, ShardSource
from metaclip_curate.trainer.data.stream import StoredPair, StreamOptions, StreamReader
from metaclip_curate.trainer.data.subset import read_uids
from metaclip_curate.trainer.data.webdataset_source import WebdatasetShards, is_download
from metaclip_curate.trainer.data.workers import ProcessRank, torch_seed, worker_and_count

Transform = Callable[[Image.Image], Any]
_FORMAT = 1


class CuratedPairs(IterableDataset[Pair]):
    """Pairs with their images, split over ranks and workers, each used once in an epoch.

    Iterating yields this rank's and worker's share of the current epoch from `position` on and doesn't change the
    state: workers read ahead of what is consumed, and only the consumer knows how far. `PairLoader` keeps track of it.

    Args:
        source: The shards.
        selection: The texts that an epoch uses. Default: all of them, offline.
        transform: Function of the decoded image, whose result the pair has in its place. Random numbers that it takes
            from torch depend on (seed, epoch, uid) alone. If it has an attribute least_side, JPEG files are decoded at
            a part of their size that keeps so many pixels on each side. Default: None, the image as it is.
        process: This process among those that read together. Default: as in torch.distributed.
        streams: Number and shuffling of the streams that are read at the same time.

    Attributes:
        source: The shards.
        selection: The texts that an epoch uses.
        rank: Rank of this process.
        world_size: Number of ranks.
        problems: Number of images that this process couldn't use, by reason.
    """

    def __init__(
        self,
        source: ShardSource,
        selection: Selection | None = None,
        transform: Transform | None = None,
        process: ProcessRank | None = None,
        streams: StreamOptions | None = None,
    ) -> None:
        super().__init__()
        self.source, self.selection = source, selection or Selection()
        self.transform = transform
        process = process or ProcessRank.current()
        self.rank, self.world_size = process.rank, process.world_size
        self._by_entries = streams is not None and streams.by_entries
        if self._by_entries and not source.has_entries:
            raise UserError("the data have no column entry_ids: batches can't be made by entries")
        self._state = EpochState(streams or StreamOptions(), len(source.names), self.selection.copies)
        self._counter = EpochCounter(source, self.selection, process)
        self._expected: float | None = None
        self.problems: Counter[str] = Counter()

    @classmethod
    def offline(
        cls,
        shards: str,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
        storage: StorageOptions | None = None,
        manifest: str = "",
        cache: str = "",
        **given: Any,
    ) -> CuratedPairs:
        """Opens the manifest as it was drawn, from a folder of `metaclip-curate download` or of the pool's own tars.

        Args:
            shards: The folder. If it isn't a download, the folder of the tars that `manifest` was curated from.
            seed: Seed of order, shuffling and transforms.
            weights: Factor by which the pairs of a language are used more or less often. Default: 1.
            storage: Credentials and limits for reading the folder.
            manifest: Folder of another manifest, such as that of a rebalanced run, to whose pairs the data set is
                restricted. Default: empty, all pairs.
            cache: Folder in which the sorted uids of that manifest are kept for other processes. Default: a temporary
                file.
            **given: Further arguments of the constructor.
        """
        if manifest and not is_download(shards, storage):
            return cls(PoolTars(manifest, shards, storage), Selection(seed, weights or {}), **given)
        only = read_uids(manifest, storage, cache) if manifest else None
        return cls(WebdatasetShards(shards, storage), Selection(seed, weights or {}, only=only), **given)

    @classmethod
    def online(
        cls,
        shards: str,
        run: str,
        seed: int = 0,
        weights: Mapping[str, float] | None = None,
        storage: StorageOptions | None = None,
        **given: Any,
    ) -> CuratedPairs:
        """Opens matched pairs, which are drawn anew in each epoch with the counts and thresholds of their run.

        Args:
            shards: The folder that `metaclip-curate download --table matched` filled.
            run: The run folder.
            seed: Seed of draws, order, shuffling and transforms.
            weights: Factor by which the pairs of a language are used more or less often. Default: 1.
            storage: Credentials and limits for reading both folders.
            **given: Further arguments of the constructor.

        Raises:
            UserError: The folder doesn't hold every matched image with all its texts.
        """
        source = WebdatasetShards(shards, storage)
        if not source.has_all_texts:
            raise UserError(
                f"{shards} holds pairs that were drawn already: fetch with `metaclip-curate download --table matched`"
            )
        probabilities = read_entry_probabilities(run, storage)
        return cls(source, Selection(seed, weights or {}, probabilities), **given)

    @classmethod
    def of_folder(
        cls, manifest: str, images: str, seed: int = 0, weights: Mapping[str, float] | None = None, **given: Any
    ) -> CuratedPairs:
        """Opens the manifest as it was drawn, with images from a folder, whose files are named by uid or image_id."""
        return cls(ImageFolder(manifest, images), Selection(seed, weights or {}), **given)

    @property
    def epoch(self) -> int:
        """The current epoch, from 0."""
        return self._state.epoch

    @property
    def position(self) -> int:
        """Number of samples of the current epoch that all ranks together have consumed."""
        return self._state.position

    def move_to(self, epoch: int, position: int = 0) -> None:
        """Sets the epoch and the position at which the next iteration begins.

        Raises:
            ValueError: One of them is negative.
        """
        self._state.move_to(epoch, position)

    @property
    def expected_epoch_size(self) -> float:
        """The expected number of samples of an epoch, of all ranks together, broken images included."""
        self.sampler()
        if self._expected is None:  # the counts are from another process or from a checkpoint
            self._expected = self._count().expected
        return self._expected

    @property
    def fingerprint(self) -> str:
        """Digest of the shards and of the rule that selects their texts."""
        return fingerprint(self.source, self.selection)

    def epoch_size(self) -> int:
        """Returns the number of samples of the current epoch, of all ranks together, broken images included."""
        return len(self.sampler())

    def sampler(self) -> EpochSampler:
        """Returns the order of the current epoch; a draw that it needs is done by the first process that asks."""
        counts = self._state.counts(lambda: self._count().counts)
        return EpochSampler(counts, self.streams_for(1), self._state.window, self.selection.seed, self.epoch)

    def _count(self) -> EpochCounts:
        found = self._counter.count(self.epoch)
        self._expected = found.expected
        return found

    def prepare_next_epoch(self) -> None:
        """Begins to draw the next epoch in the background, as far as it has to be drawn."""
        self._counter.prepare(self.epoch + 1)

    def streams_for(self, workers: int) -> int:
        """Returns the number of streams, which the number of workers in the first call decides unless it is set."""
        return self._state.streams_for(self.world_size * workers)

    def read(self, start: int, stop: int, reader: int, readers: int) -> Iterator[tuple[int, Pair | BrokenImageError]]:
        """Yields one reader's samples from start to stop, broken ones included. See `EpochSampler.share`."""
        for sample, stored in self.read_stored(start, stop, reader, readers):
            yield sample, self._pair(stored)

    def read_stored(self, start: int, stop: int, reader: int, readers: int) -> Iterator[tuple[int, StoredPair]]:
        """Yields the same as `read` with the image files as they are stored."""
        sampler = self.sampler()
        streams: dict[int, StreamReader] = {}
        try:
            for sample, stream, index in sampler.share(start, stop, reader, readers):
                if stream not in streams:
                    streams[stream] = StreamReader(self.source, self.selection, sampler, stream, self._by_entries)
                yield sample, streams[stream].get(index)
        finally:
            for opened in streams.values():
                opened.close()

    def __iter__(self) -> Iterator[Pair]:
        worker, workers = worker_and_count()
        reader, readers = self.rank + worker * self.world_size, self.world_size * workers
        for _, pair in self.read(self.position, self.epoch_size(), reader, readers):
            if isinstance(pair, BrokenImageError):
                self.problems[str(pair)] += 1
            else:
                yield pair

    def state_dict(self) -> dict[str, Any]:
        """Returns the position in the training, for a checkpoint."""
        state = {
            "format": _FORMAT,
            "epoch": self.epoch,
            "position": self.position,
            "lanes": self.streams_for(1),
            "window": self._state.window,
            "seed": self.selection.seed,
            "by_entries": self._by_entries,
            "samples": self.epoch_size(),
            "data": self.fingerprint,
        }
        if not self.selection.takes_all:  # so that resuming needn't count again
            state["expected"] = self.expected_epoch_size
            state["counts"] = torch.from_numpy(self.sampler().counts.astype(np.int32))
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Moves to the position of another training of the same data, on any number of ranks and workers.

        Raises:
            UserError: The state is of other data, of another seed or of other weights.
        """
        if state["format"] != _FORMAT:
            raise UserError(f"the checkpoint's data state is of format {state['format']}, not {_FORMAT}")
        if state["seed"] != self.selection.seed:
            raise UserError(f"the checkpoint was trained with seed {state['seed']}, not {self.selection.seed}")
        if state.get("by_entries", False) != self._by_entries:
            raise UserError("the checkpoint's batches were made in the other way: give the same --batch-by")
        self._state.set_streams(int(state["lanes"]), int(state["window"]))
        self.move_to(int(state["epoch"]), int(state["position"]))
        same = state["data"] == self.fingerprint
        if same and "counts" in state:
            self._state.set_counts(state["counts"].numpy())
            self._expected = float(state["expected"])
        if not same or state["samples"] != self.epoch_size():
            raise UserError(
                "the checkpoint was trained on other data, weights or thresholds: give the same, or start anew"
            )

    def _pair(self, stored: StoredPair) -> Pair | BrokenImageError:
        if stored.problem:
            return BrokenImageError(stored.problem)
        try:
            image: Any = decode(stored.image, getattr(self.transform, "least_side", 0))
        except BrokenImageError as error:
            return error
        if self.transform is not None:
            with torch_seed(stored.key):
                image = self.transform(image)
        return Pair(image, stored.text, stored.language, stored.uid)
