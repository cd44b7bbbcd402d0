"""Batches on the device, prepared by a thread while the device computes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from metaclip_curate.trainer.data.loader import Batch, PairLoader

_AHEAD = 2
# A batch, the position after it, and what its copies record when they are complete.
_Prepared = tuple["DeviceBatch", tuple[int, int], "torch.cuda.Event | None"]


@dataclass(frozen=True)
class DeviceBatch:
    """One rank's batch on its device.

    Attributes:
        images: Input of the model.
        tokens: The tokenized texts.
        repeated: Number of rows that repeat other rows, since their own images are broken.
    """

    images: Tensor
    tokens: Tensor
    repeated: int


class DevicePrefetcher:
    """Batches of a loader's current epoch on the device; iterating moves the position.

    On a GPU a thread joins the workers' pieces in pinned memory, copies them on a stream of its own and normalises
    them there, two batches ahead. Elsewhere the batches are made when they are asked for.

    Args:
        loader: The batches.
        device: The device.
        to_input: Function from images of the loader to the model's input, on the device.
        threaded: Whether a thread prepares batches. Default: on a GPU.

    Attributes:
        waited: Seconds for which iterating has waited for batches.
    """

    def __init__(
        self,
        loader: PairLoader,
        device: torch.device,
        to_input: Callable[[Tensor], Tensor],
        threaded: bool | None = None,
    ) -> None:
        self._loader, self._device, self._to_input = loader, device, to_input
        self._cuda = device.type == "cuda"
        self._threaded = self._cuda if threaded is None else threaded
        self.waited = 0.0

    def __iter__(self) -> Iterator[DeviceBatch]:
        dataset = self._loader.dataset
        dataset.epoch_size()  # drawn here, since all ranks count together and a thread could come between
        batches = self._from_thread() if self._threaded else self._make()
        try:
            while True:
                start = time.monotonic()
                found = next(batches, None)
                self.waited += time.monotonic() - start
                if found is None:
                    break
                batch, position, ready = found
                if ready is not None:
                    self._hand_over(batch, ready)
                dataset.move_to(*position)
                yield batch
            dataset.move_to(dataset.epoch + 1)
        finally:
            batches.close()

    def _make(self) -> Generator[_Prepared, None, None]:
        stream = torch.cuda.Stream(self._device) if self._cuda else None
        for batch, position in self._loader.read_ahead():
            if stream is None:
                yield self._on_device(batch), position, None
                continue
            with torch.cuda.stream(stream):
                moved = self._on_device(batch)
                ready = torch.cuda.Event()
                ready.record(stream)
            yield moved, position, ready

    def _on_device(self, batch: Batch) -> DeviceBatch:
        assert batch.tokens is not None
        images = self._to_input(batch.images.to(self._device, non_blocking=True))
        return DeviceBatch(images, batch.tokens.to(self._device, non_blocking=True), batch.repeated)

    def _hand_over(self, batch: DeviceBatch, ready: torch.cuda.Event) -> None:
        """Lets the stream that computes wait for the copies, and keeps the memory until it has used them."""
        current = torch.cuda.current_stream(self._device)
        current.wait_event(ready)
        for tensor in (batch.images, batch.tokens):
            tensor.record_stream(current)

    def _from_thread(self) -> Generator[_Prepared, None, None]:
        made: queue.Queue[object] = queue.Queue(_AHEAD)
        stop = threading.Event()

        def put(item: object) -> None:
            while not stop.is_set():
                try:
                    return made.put(item, timeout=0.2)
                except queue.Full:
                    continue

        def work() -> None:
            try:
                if self._cuda:
                    torch.cuda.set_device(self._device)
                for item in self._make():
                    put(item)
                    if stop.is_set():
                        return
                put(None)
            except BaseException as error:  # it is raised where the batches are used
                put(error)

        thread = threading.Thread(target=work, name="device-prefetch", daemon=True)
        thread.start()
        try:
            while True:
                item = made.get()
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item  # type: ignore[misc]
        finally:
            stop.set()
            thread.join()
