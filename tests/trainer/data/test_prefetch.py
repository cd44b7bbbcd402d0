"""A thread that prepares batches changes neither their order nor the position, and passes on what goes wrong."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor

from metaclip_curate.trainer import CuratedPairs, LoaderOptions, PairLoader
from metaclip_curate.trainer.data.prefetch import DevicePrefetcher
from tests.support import made_shards

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
