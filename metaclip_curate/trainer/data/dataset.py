"""`CuratedPairs`: the pairs of a download, epoch by epoch."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import IterableDataset

from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.trainer.data.decoding import BrokenImageError, decode
from metaclip_curate.trainer.data.folder_source import ImageFolder
from metaclip_curate.trainer.data.sampler import EpochOrder
from metaclip_curate.trainer.data.selection import Sampling, entry_probabilities_of
from metaclip_curate.trainer.data.shards import Pair, Places, Reading, Source
from metaclip_curate.trainer.data.stream import LaneReader, StoredPair
from metaclip_curate.trainer.data.subset import uids_of
from metaclip_curate.trainer.data.webdataset_source import WebdatasetShards
from metaclip_curate.trainer.data.workers import random_numbers_of, ranks_of, shared, worker

Transform = Callable[[Image.Image], Any]
_LEAST_LANES = 16
_SCANNERS = 8
_FORMAT = 1
_EPOCH, _POSITION, _LANES, _WINDOW, _COUNTED, _STATE_SIZE = range(6)


class CuratedPairs(IterableDataset[Pair]):
    """Pairs with their images, split over ranks and workers, each used once in an epoch.

    Iterating gives the rank's and worker's share of the current epoch from `position` on and doesn't change the state:
    workers read ahead of what is consumed, and only whoever consumes knows how far. `PairLoader` keeps the account.

    Args:
        source: The shards.
        sampling: What an epoch uses of them.
        transform: Makes something of a picture (default: the picture). Its random numbers, if from torch, depend on
            (seed, epoch, uid) alone.
        rank: This process's number (default: that of torch.distributed, where it is initialised).
        ranks: Number of processes (default: as `rank`).
        reading: How samples are read and mixed.

    Attributes:
        source: The shards.
        sampling: What an epoch uses of them.
        rank: This process's number.
        ranks: Number of processes.
        problems: In this process, how many images couldn't be used, by reason.
    """

    def __init__(
        self,
        source: Source,
        sampling: Sampling | None = None,
        transform: Transform | None = None,
        rank: int | None = None,
        ranks: int | None = None,
        reading: Reading | None = None,
    ) -> None:
        super().__init__()
        self.source, self.sampling = source, sampling or Sampling()
        self.transform = transform
        self.rank, self.ranks = ranks_of(rank, ranks)
        reading = reading or Reading()
        # Shared memory, so that workers that stay alive see the next epoch.
        self._state = shared(_STATE_SIZE)
        self._state[_LANES], self._state[_WINDOW], self._state[_COUNTED] = reading.lanes, reading.window, -1
        self._counts = shared(len(source.names), self.sampling.copies)
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
        **given: Any,
    ) -> CuratedPairs:
        """The manifest as it was drawn, from the folder that `metaclip-curate download` filled.

        With the manifest of a rebalanced run, or of any other, only the pairs that it has as well are used.
        """
        only = uids_of(manifest, storage) if manifest else None
        return cls(WebdatasetShards(shards, storage), Sampling(seed, weights or {}, only=only), **given)

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
        """Matched pairs, drawn anew in each epoch with the counts and thresholds of their run.

        Raises:
            UserError: The folder doesn't hold every matched image with all its texts.
        """
        source = WebdatasetShards(shards, storage)
        if not source.has_all_texts:
            raise UserError(
                f"{shards} holds pairs that were drawn already: fetch with `metaclip-curate download --table matched`"
            )
        probabilities = entry_probabilities_of(run, storage)
        return cls(source, Sampling(seed, weights or {}, probabilities), **given)

    @classmethod
    def of_folder(
        cls, manifest: str, images: str, seed: int = 0, weights: Mapping[str, float] | None = None, **given: Any
    ) -> CuratedPairs:
        """The manifest as it was drawn, from a folder of images that are named by uid or image_id."""
        return cls(ImageFolder(manifest, images), Sampling(seed, weights or {}), **given)

    @property
    def epoch(self) -> int:
        """The current epoch, from 0."""
        return int(self._state[_EPOCH])

    @property
    def position(self) -> int:
        """Samples of the current epoch that all ranks together have consumed."""
        return int(self._state[_POSITION])

    def move_to(self, epoch: int, position: int = 0) -> None:
        """Sets where the next iteration begins."""
        if epoch < 0 or position < 0:
            raise ValueError(f"there is no epoch {epoch} with a position {position}")
        self._state[_EPOCH], self._state[_POSITION] = epoch, position

    @property
    def expected_epoch_size(self) -> float:
        """The expected number of samples of an epoch, of all ranks together, broken images included."""
        if self.sampling.takes_all:
            return float(self.source.sizes.sum())
        if self._expected is None:
            self._expected = float(sum(self._scan(self.sampling.expected)))
        return self._expected

    def epoch_size(self) -> int:
        """The number of samples of the current epoch, of all ranks together, broken images included."""
        return len(self.order())

    def order(self) -> EpochOrder:
        """The current epoch's order; where it must be drawn, that is done once, in the first process that asks."""
        if self.epoch != self._state[_COUNTED]:
            self._counts.copy_(torch.from_numpy(self._count()))
            self._state[_COUNTED] = self.epoch
        counts = self._counts.numpy().copy()
        return EpochOrder(counts, self.lanes_for(1), int(self._state[_WINDOW]), self.sampling.seed, self.epoch)

    def lanes_for(self, workers: int) -> int:
        """The number of lanes, fixed when it is asked for first, by the number of workers then."""
        if not self._state[_LANES]:
            parts = self.ranks * workers
            self._state[_LANES] = parts * -(-_LEAST_LANES // parts)
        return int(self._state[_LANES])

    def read(self, start: int, stop: int, part: int, parts: int) -> Iterator[tuple[int, Pair | BrokenImageError]]:
        """Reads one part of the samples from start to stop, the broken ones too. See `EpochOrder.share`."""
        for sample, stored in self.stored(start, stop, part, parts):
            yield sample, self._pair(stored)

    def stored(self, start: int, stop: int, part: int, parts: int) -> Iterator[tuple[int, StoredPair]]:
        """As `read`, with the image files as they are."""
        order = self.order()
        lanes: dict[int, LaneReader] = {}
        try:
            for sample, lane, number in order.share(start, stop, part, parts):
                if lane not in lanes:
                    lanes[lane] = LaneReader(self.source, self.sampling, order, lane)
                yield sample, lanes[lane].get(number)
        finally:
            for reader in lanes.values():
                reader.close()

    def __iter__(self) -> Iterator[Pair]:
        me, workers = worker()
        part, parts = self.rank + me * self.ranks, self.ranks * workers
        for _, pair in self.read(self.position, self.epoch_size(), part, parts):
            if isinstance(pair, BrokenImageError):
                self.problems[str(pair)] += 1
            else:
                yield pair

    def state_dict(self) -> dict[str, Any]:
        """Where the training is, for a checkpoint."""
        return {
            "format": _FORMAT,
            "epoch": self.epoch,
            "position": self.position,
            "lanes": self.lanes_for(1),
            "window": int(self._state[_WINDOW]),
            "seed": self.sampling.seed,
            "samples": self.epoch_size(),
            "data": self._fingerprint(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on where another training of the same data was, on any number of ranks and workers.

        Raises:
            UserError: The state is of other data, of another seed or of other weights.
        """
        if state["format"] != _FORMAT:
            raise UserError(f"the checkpoint's data state is of format {state['format']}, not {_FORMAT}")
        if state["seed"] != self.sampling.seed:
            raise UserError(f"the checkpoint was trained with seed {state['seed']}, not {self.sampling.seed}")
        self._state[_LANES], self._state[_WINDOW] = int(state["lanes"]), int(state["window"])
        self.move_to(int(state["epoch"]), int(state["position"]))
        if state["data"] != self._fingerprint() or state["samples"] != self.epoch_size():
            raise UserError(
                "the checkpoint was trained on other data, weights or thresholds: give the same, or start anew"
            )

    def _count(self) -> Places:
        if self.sampling.takes_all:
            return self.source.sizes.reshape(-1, 1)
        copies, epoch = range(self.sampling.copies), self.epoch
        counts = self._scan(lambda texts: [len(self.sampling.used(texts, epoch, copy)) for copy in copies])
        return np.array(counts, dtype=np.int64).reshape(-1, len(copies))

    def _scan(self, look: Callable[[Any], Any]) -> list[Any]:
        """Looks at what is known of each shard, without its images."""
        columns = self.sampling.columns

        def one(number: int) -> Any:
            return look(self.source.shard(number, columns).texts)

        with ThreadPoolExecutor(_SCANNERS) as pool:
            return list(pool.map(one, range(len(self.source.names))))

    def _pair(self, stored: StoredPair) -> Pair | BrokenImageError:
        if stored.problem:
            return BrokenImageError(stored.problem)
        try:
            image: Any = decode(stored.image)
        except BrokenImageError as error:
            return error
        if self.transform is not None:
            with random_numbers_of(stored.key):
                image = self.transform(image)
        return Pair(image, stored.text, stored.language, stored.uid)

    def _fingerprint(self) -> str:
        """Names the shards and what is used of them."""
        about = hashlib.sha256()
        for name, size in zip(self.source.names, self.source.sizes.tolist(), strict=True):
            about.update(f"{name} {size}\n".encode())
        about.update(repr(sorted(self.sampling.weights.items())).encode())
        for language, probabilities in sorted((self.sampling.entry_probabilities or {}).items()):
            about.update(language.encode() + probabilities.tobytes())
        if self.sampling.only is not None:
            about.update(np.bitwise_xor.reduce(self.sampling.only, axis=0).tobytes())
        return about.hexdigest()[:16]
