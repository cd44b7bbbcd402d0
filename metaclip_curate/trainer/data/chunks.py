"""The part of a batch that one DataLoader worker reads and decodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.decoding import BrokenImageError
from metaclip_curate.trainer.data.shards import Pair
from metaclip_curate.trainer.data.workers import worker_and_count

Tokenizer = Callable[[list[str]], Tensor]


@dataclass(frozen=True)
class Chunk:
    """One worker's part of a batch.

    Attributes:
        rows: Row of each pair in the batch, ascending.
        images: Shape (pairs, ...); None without pairs.
        tokens: Shape (pairs, ...); None without pairs or without a tokenizer.
        pairs: Text, language and uid of each pair.
        problems: Reason for each pair that is missing.
    """

    rows: list[int]
    images: Tensor | None
    tokens: Tensor | None
    pairs: list[tuple[str, str, str]]
    problems: list[str]


class ChunkDataset(IterableDataset[Chunk]):
    """The chunks of one worker, exactly one for each batch, so that those of all workers take turns.

    Args:
        dataset: The pairs.
        batch_size: Number of rows of this rank's batches.
        drop_last: Whether an incomplete last batch is left out.
        tokenizer: Function from a list of texts to tokens.
    """

    def __init__(self, dataset: CuratedPairs, batch_size: int, drop_last: bool, tokenizer: Tokenizer | None) -> None:
        super().__init__()
        self._dataset, self._batch_size, self._tokenizer = dataset, batch_size, tokenizer
        self._drop_last = drop_last

    def batches(self) -> int:
        """Returns the number of batches that are left in the epoch."""
        left = max(0, self._dataset.epoch_size() - self._dataset.position)
        global_size = self._batch_size * self._dataset.world_size
        return left // global_size if self._drop_last else -(-left // global_size)

    def __iter__(self) -> Iterator[Chunk]:
        dataset, start = self._dataset, self._dataset.position
        worker, workers = worker_and_count()
        batches, global_size = self.batches(), self._batch_size * dataset.world_size
        reader, readers = dataset.rank + worker * dataset.world_size, dataset.world_size * workers
        pairs: list[tuple[int, Pair | BrokenImageError]] = []
        current = 0
        for sample, pair in dataset.read(start, start + batches * global_size, reader, readers):
            batch, row = divmod((sample - start) // dataset.world_size, self._batch_size)
            while current < batch:
                yield self._chunk(pairs)
                current, pairs = current + 1, []
            pairs.append((row, pair))
        while current < batches:
            yield self._chunk(pairs)
            current, pairs = current + 1, []

    def _chunk(self, pairs: Sequence[tuple[int, Pair | BrokenImageError]]) -> Chunk:
        good = [(row, pair) for row, pair in pairs if isinstance(pair, Pair)]
        images = [pair.image for _, pair in good]
        if images and not isinstance(images[0], Tensor):
            raise TypeError(f"the transform returns a {type(images[0]).__name__}: batches need tensors")
        texts = [pair.text for _, pair in good]
        return Chunk(
            rows=[row for row, _ in good],
            images=_stack(images) if images else None,
            tokens=self._tokenizer(texts) if texts and self._tokenizer else None,
            pairs=[(pair.text, pair.language, pair.uid) for _, pair in good],
            problems=[str(pair) for _, pair in pairs if isinstance(pair, BrokenImageError)],
        )


def _stack(images: Sequence[Tensor]) -> Tensor:
    """Stacks images; in a worker straight into memory that the main process reads, which saves a copy."""
    if get_worker_info() is None:
        return torch.stack(list(images))
    first = images[0]
    shape = (len(images), *first.shape)
    storage = torch.UntypedStorage._new_shared(len(images) * first.numel() * first.element_size())
    out = torch.empty(0, dtype=first.dtype).set_(storage, 0, shape)  # type: ignore[call-overload]
    return torch.stack(list(images), out=out)
