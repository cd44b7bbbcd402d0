"""Sizes of epochs, each counted once, and the fingerprint of the data that decide them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from metaclip_curate.balance import Floats
from metaclip_curate.trainer.data.selection import Selection
from metaclip_curate.trainer.data.shards import Indices, ShardSource
from metaclip_curate.trainer.data.workers import ProcessRank

_THREADS = 8


@dataclass(frozen=True)
class EpochCounts:
    """Numbers of samples of an epoch, broken images included.

    Attributes:
        counts: Number of samples that the epoch uses of each shard and copy, shape (shards, copies).
        expected: Expected number of samples of any epoch.
    """

    counts: Indices
    expected: float


class EpochCounter:
    """Counts the samples of epochs by reading the columns that decide about them, each file once for an epoch.

    Args:
        source: The shards.
        selection: The rule by which texts are selected.
        process: This process among those that count together. If they add up, all ranks must count the same epochs in
            the same order, each in its main process. Default: it counts by itself.
    """

    def __init__(self, source: ShardSource, selection: Selection, process: ProcessRank | None = None) -> None:
        process = process or ProcessRank()
        self._source, self._selection, self._add_up = source, selection, process.add_up
        shards = range(len(source.names))
        self._share = shards[process.rank :: process.world_size] if process.add_up is not None else shards
        self._next: tuple[int, Future[Floats]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Workers that are started anew get counts, and don't count.
        return self.__dict__ | {"_add_up": None, "_next": None}

    def count(self, epoch: int) -> EpochCounts:
        """Counts an epoch, or waits for the thread that does."""
        selection, source = self._selection, self._source
        if selection.takes_all:
            return EpochCounts(source.sizes.reshape(-1, 1), float(source.sizes.sum()))
        if self._next is not None and self._next[0] == epoch:
            of_share = self._next[1].result()
        else:
            of_share = self._scan(epoch, _THREADS)
        self._next = None
        # The last row has the expected number.
        table = np.zeros((len(source.names) + 1, selection.copies))
        table[list(self._share)] = of_share[:-1]
        table[-1] = of_share[-1]
        if self._add_up is not None:
            table = self._add_up(table)
        return EpochCounts(table[:-1].astype(np.int64), float(table[-1, 0]))

    def prepare(self, epoch: int) -> None:
        """Begins to count this rank's share of an epoch in the background."""
        if self._selection.takes_all or (self._next is not None and self._next[0] == epoch):
            return
        found: Future[Floats] = Future()

        def work() -> None:
            try:
                found.set_result(self._scan(epoch))
            except BaseException as error:  # it is raised where the counts are used
                found.set_exception(error)

        self._next = (epoch, found)
        # A training that stops doesn't wait for it.
        threading.Thread(target=work, name="epoch-counter", daemon=True).start()

    def _scan(self, epoch: int, threads: int = 1) -> Floats:
        """Reads this rank's share: samples of each shard and copy, and in the last row the expected number."""
        selection, copies = self._selection, range(self._selection.copies)

        def of_shard(index: int) -> list[float]:
            texts = self._source.shard(index, selection.columns).texts
            uses = selection.expected_uses(texts)
            numbers = [float(len(selection.select(texts, epoch, copy, uses))) for copy in copies]
            return [*numbers, selection.expected_images(texts, uses)]

        if threads == 1:
            found = [of_shard(index) for index in self._share]
        else:
            with ThreadPoolExecutor(threads) as pool:
                found = list(pool.map(of_shard, self._share))
        rows = np.array(found, dtype=np.float64).reshape(-1, len(copies) + 1)
        return np.vstack([rows[:, :-1], np.full((1, len(copies)), rows[:, -1].sum())])


def fingerprint(source: ShardSource, selection: Selection) -> str:
    """Computes a digest of the shards and of the rule that selects their texts."""
    digest = hashlib.sha256()
    names: Sequence[str] = source.names
    for name, size in zip(names, source.sizes.tolist(), strict=True):
        digest.update(f"{name} {size}\n".encode())
    digest.update(repr(sorted(selection.weights.items())).encode())
    for language, probabilities in sorted((selection.entry_probabilities or {}).items()):
        digest.update(language.encode() + probabilities.tobytes())
    if selection.only is not None:
        digest.update(selection.only.digest)
    return digest.hexdigest()[:16]
