"""`PairLoader`: batches of equal size on every rank, and the account of what was consumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.decoding import BrokenImageError
from metaclip_curate.trainer.data.shards import Pair
from metaclip_curate.trainer.data.workers import worker

Tokenizer = Callable[[list[str]], Tensor]


@dataclass(frozen=True)
class Batch:
    """A rank's batch.

    Attributes:
        images: Shape (batch, ...), as the transform makes them.
        texts, languages, uids: Of each image.
        tokens: Shape (batch, ...), as the tokenizer makes them; None without one.
        repeated: How many rows at places of broken images are other rows of the batch once more.
    """

    images: Tensor
    texts: list[str]
    languages: list[str]
    uids: list[str]
    tokens: Tensor | None
    repeated: int = 0


@dataclass(frozen=True)
class Loading:
    """How batches are made.

    Attributes:
        workers: Processes that read and decode; 0: this one.
        prefetch: Batches that each worker makes ahead.
        drop_last: Leave out what is left of an epoch when it isn't a whole batch of all ranks. Otherwise the last batch
            is smaller, and ranks may differ by one row; the number of batches is the same on all ranks either way.
        keep_workers: Whether workers stay alive between epochs.
        pin_memory: Whether batches are in memory that a GPU copies from faster.
        start_method: fork, spawn or forkserver; empty: the platform's.
    """

    workers: int = 0
    prefetch: int = 2
    drop_last: bool = True
    keep_workers: bool = True
    pin_memory: bool = False
    start_method: str = ""


@dataclass(frozen=True)
class _Chunk:
    """A worker's part of a batch: the rows it has, by their slots, and why others are missing."""

    slots: list[int]
    images: Tensor | None
    tokens: Tensor | None
    pairs: list[tuple[str, str, str]]
    problems: list[str]


class _Chunks(IterableDataset[_Chunk]):
    """The chunks of one worker, one for each batch, so that those of all workers take turns."""

    def __init__(self, dataset: CuratedPairs, batch_size: int, drop_last: bool, tokenizer: Tokenizer | None) -> None:
        super().__init__()
        self._dataset, self._batch_size, self._tokenizer = dataset, batch_size, tokenizer
        self._drop_last = drop_last

    def batches(self) -> int:
        """How many batches are left in the epoch."""
        left = max(0, self._dataset.epoch_size() - self._dataset.position)
        whole = self._batch_size * self._dataset.ranks
        return left // whole if self._drop_last else -(-left // whole)

    def __iter__(self) -> Iterator[_Chunk]:
        dataset, start = self._dataset, self._dataset.position
        me, workers = worker()
        batches, whole = self.batches(), self._batch_size * dataset.ranks
        part, parts = dataset.rank + me * dataset.ranks, dataset.ranks * workers
        rows: list[tuple[int, Pair | BrokenImageError]] = []
        current = 0
        for sample, pair in dataset.read(start, start + batches * whole, part, parts):
            batch, slot = divmod((sample - start) // dataset.ranks, self._batch_size)
            while current < batch:
                yield self._chunk(rows)
                current, rows = current + 1, []
            rows.append((slot, pair))
        while current < batches:
            yield self._chunk(rows)
            current, rows = current + 1, []

    def _chunk(self, rows: Sequence[tuple[int, Pair | BrokenImageError]]) -> _Chunk:
        good = [(slot, pair) for slot, pair in rows if isinstance(pair, Pair)]
        images = [pair.image for _, pair in good]
        if images and not isinstance(images[0], Tensor):
            raise TypeError(f"the transform makes a {type(images[0]).__name__} of a picture: batches need tensors")
        texts = [pair.text for _, pair in good]
        return _Chunk(
            slots=[slot for slot, _ in good],
            images=torch.stack(images) if images else None,
            tokens=self._tokenizer(texts) if texts and self._tokenizer else None,
            pairs=[(pair.text, pair.language, pair.uid) for _, pair in good],
            problems=[str(pair) for _, pair in rows if isinstance(pair, BrokenImageError)],
        )


class PairLoader:
    """Batches of a data set's current epoch, from where it stands; iterating moves it on.

    When a batch is handed out it counts as consumed, whatever workers have read ahead, and after an epoch the data set
    stands at the beginning of the next one. What a batch holds, and in which rows, doesn't depend on the number of
    workers. The place of a broken image is taken by another row of its batch, so that batches, and with them the ranks,
    stay equal.

    Args:
        dataset: The pairs; its transform makes tensors of one shape.
        batch_size: Rows of this rank's batches; all ranks must give the same.
        tokenizer: Makes tokens of a list of texts, in the workers.
        loading: How batches are made.

    Attributes:
        dataset: The pairs.
        problems: How many images of this rank couldn't be used, by reason.
    """

    def __init__(
        self,
        dataset: CuratedPairs,
        batch_size: int,
        tokenizer: Tokenizer | None = None,
        loading: Loading | None = None,
    ) -> None:
        if batch_size < 1:
            raise UserError(f"the batch size must be at least 1, not {batch_size}")
        self.dataset, self._batch_size = dataset, batch_size
        self._loading = loading or Loading()
        self.problems: Counter[str] = Counter()
        self._spare: Batch | None = None
        dataset.lanes_for(max(1, self._loading.workers))
        self._chunks = _Chunks(dataset, batch_size, self._loading.drop_last, tokenizer)
        workers = self._loading.workers
        self._loader: DataLoader[_Chunk] = DataLoader(
            self._chunks,
            batch_size=None,
            collate_fn=_unchanged,  # type: ignore[arg-type]
            num_workers=workers,
            prefetch_factor=self._loading.prefetch if workers else None,
            persistent_workers=self._loading.keep_workers and workers > 0,
            multiprocessing_context=self._loading.start_method or None if workers else None,
        )

    def __len__(self) -> int:
        """Batches that are left in the current epoch."""
        return self._chunks.batches()

    def __iter__(self) -> Iterator[Batch]:
        dataset = self.dataset
        epoch, start, size = dataset.epoch, dataset.position, dataset.epoch_size()
        whole, workers = self._batch_size * dataset.ranks, max(1, self._loading.workers)
        batches, chunks = len(self), iter(self._loader)
        for number in range(batches):
            done = min(start + (number + 1) * whole, size)
            rows = len(range(start + number * whole + dataset.rank, done, dataset.ranks))
            batch = self._merge([next(chunks) for _ in range(workers)], rows)
            dataset.move_to(epoch, done)
            yield batch
        dataset.move_to(epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        """What has been consumed so far; the same on all ranks."""
        return self.dataset.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on behind what was consumed. See `CuratedPairs.load_state_dict`."""
        self.dataset.load_state_dict(state)

    def _merge(self, chunks: Sequence[_Chunk], rows: int) -> Batch:
        for chunk in chunks:
            self.problems.update(chunk.problems)
        slots = [slot for chunk in chunks for slot in chunk.slots]
        if not slots:
            return self._without_images(rows)
        pairs = [pair for chunk in chunks for pair in chunk.pairs]
        places = dict(zip(slots, range(len(slots)), strict=True))
        # A missing row is one of the others, each in its turn.
        missing = [slot for slot in range(rows) if slot not in places]
        places |= {slot: number % len(slots) for number, slot in enumerate(missing)}
        in_order = [places[slot] for slot in range(rows)]
        texts, languages, uids = (list(column) for column in zip(*(pairs[place] for place in in_order), strict=True))
        images = self._gather([chunk.images for chunk in chunks], in_order)
        assert images is not None
        tokens = self._gather([chunk.tokens for chunk in chunks], in_order)
        self._spare = Batch(images, texts, languages, uids, tokens, len(missing))
        return self._spare

    def _without_images(self, rows: int) -> Batch:
        if not rows:
            return Batch(torch.empty(0), [], [], [], None)
        if self._spare is None or len(self._spare.uids) < rows:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.problems.items())
            raise UserError(f"none of the images of the first batch can be used ({reasons}): look at the shards")
        spare = self._spare
        tokens = spare.tokens[:rows] if spare.tokens is not None else None
        return Batch(
            spare.images[:rows], spare.texts[:rows], spare.languages[:rows], spare.uids[:rows], tokens, repeated=rows
        )

    def _gather(self, pieces: Sequence[Tensor | None], in_order: Sequence[int]) -> Tensor | None:
        """Puts the chunks' rows in order, in one copy."""
        there = [piece for piece in pieces if piece is not None]
        if not there:
            return None
        shape = (len(in_order), *there[0].shape[1:])
        rows = torch.empty(shape, dtype=there[0].dtype, pin_memory=self._loading.pin_memory)
        starts = [0]
        for piece in there:
            starts.append(starts[-1] + len(piece))
        places = torch.tensor(in_order)
        for piece, begin, end in zip(there, starts, starts[1:], strict=False):
            mine = ((places >= begin) & (places < end)).nonzero()[:, 0]
            rows[mine] = piece[places[mine] - begin]
        return rows


def _unchanged(chunk: _Chunk) -> _Chunk:
    return chunk
