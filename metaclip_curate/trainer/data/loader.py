"""`PairLoader`: batches of equal size on every rank, and the position up to which they were consumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.data.chunks import Chunk, ChunkDataset, Tokenizer
from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.workers import outlive_signals


@dataclass(frozen=True)
class Batch:
    """One rank's batch.

    Attributes:
        images: The transformed images, shape (batch, ...).
        texts: Text of each image.
        languages: Metadata language of each text.
        uids: Uid of each pair.
        tokens: The tokenized texts, shape (batch, ...); None without a tokenizer.
        repeated: Number of rows that repeat other rows of the batch because their own images are broken.
    """

    images: Tensor
    texts: list[str]
    languages: list[str]
    uids: list[str]
    tokens: Tensor | None
    repeated: int = 0


@dataclass(frozen=True)
class LoaderOptions:
    """Settings of the DataLoader.

    Attributes:
        workers: Number of processes that read and decode. Default: 0, this process does.
        prefetch: Number of batches that each worker makes ahead.
        drop_last: Whether the rest of an epoch is left out if it isn't a whole batch of all ranks. Otherwise the last
            batch is smaller, and ranks may differ by one row. Either way, all ranks have the same number of batches.
        keep_workers: Whether workers stay alive between epochs.
        pin_memory: Whether batches are in page-locked memory, from which copies to a GPU are faster.
        start_method: fork, spawn or forkserver. Default: that of the platform.
    """

    workers: int = 0
    prefetch: int = 2
    drop_last: bool = True
    keep_workers: bool = True
    pin_memory: bool = False
    start_method: str = ""


class PairLoader:
    """Batches of a data set's current epoch from its position on; iterating moves the position.

    A batch counts as consumed when it is handed out, whatever workers have read ahead, and after an epoch the data set
    is at the beginning of the next one. The rows of a batch don't depend on the number of workers. A row whose image is
    broken is replaced by another row of its batch, so that all ranks have batches of the same size.

    Args:
        dataset: The pairs; its transform must return tensors of one shape.
        batch_size: Number of rows of this rank's batches, the same on all ranks.
        tokenizer: Function from a list of texts to tokens, which runs in the workers.
        options: Settings of the DataLoader.

    Attributes:
        dataset: The pairs.
        problems: Number of this rank's images that couldn't be used, by reason.

    Raises:
        UserError: The batch size is below 1.
    """

    def __init__(
        self,
        dataset: CuratedPairs,
        batch_size: int,
        tokenizer: Tokenizer | None = None,
        options: LoaderOptions | None = None,
    ) -> None:
        if batch_size < 1:
            raise UserError(f"the batch size must be at least 1, not {batch_size}")
        self.dataset, self._batch_size = dataset, batch_size
        self._options = options or LoaderOptions()
        self.problems: Counter[str] = Counter()
        self._last: Batch | None = None
        workers = self._options.workers
        dataset.streams_for(max(1, workers))
        self._chunks = ChunkDataset(dataset, batch_size, self._options.drop_last, tokenizer)
        self._loader: DataLoader[Chunk] = DataLoader(
            self._chunks,
            batch_size=None,
            collate_fn=_unchanged,  # type: ignore[arg-type]
            num_workers=workers,
            prefetch_factor=self._options.prefetch if workers else None,
            persistent_workers=self._options.keep_workers and workers > 0,
            worker_init_fn=outlive_signals,
            multiprocessing_context=self._options.start_method or None if workers else None,
        )

    def __len__(self) -> int:
        """Returns the number of batches that are left in the current epoch."""
        return self._chunks.batches()

    def __iter__(self) -> Iterator[Batch]:
        for batch, position in self.read_ahead():
            self.dataset.move_to(*position)
            yield batch
        self.dataset.move_to(self.dataset.epoch + 1)

    def read_ahead(self) -> Iterator[tuple[Batch, tuple[int, int]]]:
        """Yields the batches that are left in the epoch without moving the position.

        Yields:
            A batch, and the epoch and position that `dataset.move_to` takes once it is consumed.
        """
        dataset = self.dataset
        epoch, start, size = dataset.epoch, dataset.position, dataset.epoch_size()
        global_size, workers = self._batch_size * dataset.world_size, max(1, self._options.workers)
        batches, chunks = len(self), iter(self._loader)
        for number in range(batches):
            end = min(start + (number + 1) * global_size, size)
            rows = len(range(start + number * global_size + dataset.rank, end, dataset.world_size))
            yield self._merge([next(chunks) for _ in range(workers)], rows), (epoch, end)

    def state_dict(self) -> dict[str, Any]:
        """Returns the position up to which batches were consumed; the same on all ranks."""
        return self.dataset.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Moves to the position of a checkpoint. See `CuratedPairs.load_state_dict`."""
        self.dataset.load_state_dict(state)

    def _merge(self, chunks: Sequence[Chunk], rows: int) -> Batch:
        for chunk in chunks:
            self.problems.update(chunk.problems)
        # Pieces of the batch with the rows that each one fills.
        pieces = [(chunk, _stride(chunk.rows)) for chunk in chunks if chunk.rows]
        if not pieces:
            return self._without_images(rows)
        filled = {row for chunk, _ in pieces for row in chunk.rows} if self._has_gaps(pieces, rows) else range(rows)
        texts, languages, uids = [""] * rows, [""] * rows, [""] * rows
        for chunk, where in pieces:
            for column, values in zip((texts, languages, uids), zip(*chunk.pairs, strict=True), strict=True):
                if isinstance(where, slice):
                    column[where] = values
                else:
                    for row, value in zip(where, values, strict=True):
                        column[row] = value
        images = self._join([(chunk.images, where) for chunk, where in pieces], rows)
        assert images is not None
        tokens = self._join([(chunk.tokens, where) for chunk, where in pieces], rows)
        repeated = rows - len(filled)
        if repeated:
            # Missing rows repeat the others, each in its turn.
            good = [row for row in range(rows) if row in filled]
            missing = [row for row in range(rows) if row not in filled]
            sources = [good[number % len(good)] for number in range(repeated)]
            for tensor in (images, tokens):
                if tensor is not None:
                    tensor[missing] = tensor[sources]
            for column in (texts, languages, uids):
                for row, source in zip(missing, sources, strict=True):
                    column[row] = column[source]
        self._last = Batch(images, texts, languages, uids, tokens, repeated)
        return self._last

    def _has_gaps(self, pieces: Sequence[tuple[Chunk, Any]], rows: int) -> bool:
        return sum(len(chunk.rows) for chunk, _ in pieces) < rows

    def _without_images(self, rows: int) -> Batch:
        """Repeats the last batch in place of one whose images are all broken."""
        if not rows:
            return Batch(torch.empty(0), [], [], [], None)
        if self._last is None or len(self._last.uids) < rows:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.problems.items())
            remedy = self.dataset.source.remedy
            raise UserError(f"none of the images of the first batch can be used ({reasons}): {remedy}")
        last = self._last
        tokens = last.tokens[:rows] if last.tokens is not None else None
        return Batch(
            last.images[:rows], last.texts[:rows], last.languages[:rows], last.uids[:rows], tokens, repeated=rows
        )

    def _join(self, pieces: Sequence[tuple[Tensor | None, Any]], rows: int) -> Tensor | None:
        """Copies the pieces of all workers to their rows, once."""
        tensors = [(piece, where) for piece, where in pieces if piece is not None]
        if not tensors:
            return None
        first = tensors[0][0]
        joined = torch.empty((rows, *first.shape[1:]), dtype=first.dtype, pin_memory=self._options.pin_memory)
        for piece, where in tensors:
            joined[where] = piece
        return joined


def _stride(rows: list[int]) -> slice | list[int]:
    """Returns rows as a slice if they are at equal distances, as a worker's are unless one is missing."""
    step = rows[1] - rows[0] if len(rows) > 1 else 1
    regular = all(after - before == step for before, after in pairwise(rows))
    return slice(rows[0], rows[-1] + 1, step) if regular else rows


def _unchanged(chunk: Chunk) -> Chunk:
    return chunk
