"""A thread that prepares batches changes neither their order nor the position, and passes on what goes wrong."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from metaclip_curate.trainer import CuratedPairs, LoaderOptions, PairLoader
from metaclip_curate.trainer.data.prefetch import DevicePrefetcher
from metaclip_curate.trainer.train.data import open_pairs, pair_loader
from metaclip_curate.trainer.train.distributed import Distributed
from tests.support import made_shards, trainings

_CPU = torch.device("cpu")


def tokens_of(texts: list[str]) -> Tensor:
    return torch.tensor([len(text) for text in texts])


def prefetcher(folder: Path, threaded: bool, workers: int = 0) -> tuple[CuratedPairs, DevicePrefetcher]:
    pairs = CuratedPairs.offline(str(folder), transform=made_shards.to_tensor)
    loader = PairLoader(pairs, 8, tokens_of, LoaderOptions(workers=workers))
    return pairs, DevicePrefetcher(loader, _CPU, lambda images: images.float() / 2, threaded)


def batches(folder: Path, threaded: bool, workers: int) -> list[tuple[int, int, Tensor, Tensor]]:
    pairs, batches = prefetcher(folder, threaded, workers)
    found = []
    for _ in range(2):
        found += [(pairs.epoch, pairs.position, batch.images, batch.tokens) for batch in batches]
    assert (pairs.epoch, pairs.position) == (2, 0)
    return found


def test_a_thread_changes_nothing(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [30, 14])
    plain, threaded = batches(tmp_path, False, 0), batches(tmp_path, True, 2)
    assert [one[:2] for one in plain] == [(epoch, 8 * number) for epoch in (0, 1) for number in range(1, 6)]
    for one, other in zip(plain, threaded, strict=True):
        assert one[:2] == other[:2]
        assert torch.equal(one[2], other[2])
        assert torch.equal(one[3], other[3])
    assert float(plain[0][2][:, 2].max()) == 77 / 2


def test_the_position_is_that_of_the_batch_that_was_handed_out(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [80])
    pairs, found = prefetcher(tmp_path, threaded=True)
    iterator = iter(found)
    next(iterator)
    assert pairs.position == 8
    iterator.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "device-prefetch"]
    assert pairs.position == 8
    assert found.waited > 0


def test_an_error_is_raised_where_batches_are_used(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [16])
    pairs = CuratedPairs.offline(str(tmp_path), transform=lambda image: 1 / 0)
    loader = PairLoader(pairs, 8, tokens_of)
    with pytest.raises(ZeroDivisionError):
        list(DevicePrefetcher(loader, _CPU, lambda images: images, threaded=True))


class FakeGpu:
    """Takes the place of CUDA: tensors stay where they are, and `events` has what a GPU would be told, in its order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[str] = []
        self.pinned: set[int] = set()
        self._stream = threading.local()
        empty = torch.empty

        def allocate(*shape: Any, pin_memory: bool = False, **given: Any) -> Tensor:
            made = empty(*shape, **given)
            if pin_memory:
                self.pinned.add(made.data_ptr())
            return made

        monkeypatch.setattr(torch, "empty", allocate)
        monkeypatch.setattr(Tensor, "to", lambda tensor, device, non_blocking=False: self._to(tensor, non_blocking))
        monkeypatch.setattr(Tensor, "record_stream", lambda tensor, stream: self.events.append(f"kept for {stream}"))
        monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
        monkeypatch.setattr(torch.cuda, "Stream", lambda device: "copies")
        monkeypatch.setattr(torch.cuda, "Event", lambda: self)
        monkeypatch.setattr(torch.cuda, "stream", self._within)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: self)

    def __str__(self) -> str:
        return "computing"

    def record(self, stream: str) -> None:
        self.events.append(f"recorded on {stream}")

    def wait_event(self, event: object) -> None:
        self.events.append("computing waits")

    @contextlib.contextmanager
    def _within(self, stream: str) -> Iterator[None]:
        self._stream.name = stream
        yield
        self._stream.name = "computing"

    def _to(self, tensor: Tensor, non_blocking: bool) -> Tensor:
        kinds = (
            "copied" if non_blocking else "waited for",
            "pinned" if tensor.data_ptr() in self.pinned else "pageable",
        )
        self.events.append(f"{' '.join(kinds)} on {getattr(self._stream, 'name', 'computing')}")
        return tensor


def test_a_gpu_gets_its_batches_from_pinned_memory_on_a_stream_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_shards.write(tmp_path / "shards", [16])
    gpu, device = FakeGpu(monkeypatch), torch.device("cuda", 0)
    given, alone = trainings.options(tmp_path / "shards", tmp_path / "training"), Distributed(0, 1, device)
    loader = pair_loader(open_pairs(given, alone), given, alone, made_shards.to_tensor, tokens_of)
    threads: set[str] = set()

    def to_input(images: Tensor) -> Tensor:
        threads.add(threading.current_thread().name)
        return images

    for number, _ in enumerate(DevicePrefetcher(loader, device, to_input), start=1):
        # Images and tokens, whose memory is kept until the step that computes with them has used them.
        handed_over = ["computing waits", "kept for computing", "kept for computing"]
        assert gpu.events.count("copied pinned on copies") >= 2 * number
        assert [event for event in gpu.events if "comput" in event] == handed_over * number
    copied = ["copied pinned on copies"] * 2 + ["recorded on copies"]
    assert [event for event in gpu.events if "comput" not in event] == copied * 2
    assert threads == {"device-prefetch"}
