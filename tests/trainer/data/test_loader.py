"""Batches: equal on all ranks, the same whoever makes them, and going on where a training stopped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import Batch, CuratedPairs, LoaderOptions, PairLoader, ProcessRank, StreamOptions
from metaclip_curate.trainer.data.workers import outlive_signals
from tests.support import made_shards
from tests.support.ranks import preloaded_forkserver


def pair_loader(
    folder: Path, batch_size: int, rank: int = 0, ranks: int = 1, streams: int = 16, **loading: Any
) -> PairLoader:
    given: dict[str, Any] = {"process": ProcessRank(rank, ranks), "streams": StreamOptions(streams, window=4)}
    dataset = CuratedPairs.offline(str(folder), transform=made_shards.to_tensor, **given)
    return PairLoader(dataset, batch_size, options=LoaderOptions(**loading))


def uids(batches: list[Batch]) -> list[list[str]]:
    return [batch.uids for batch in batches]


def test_a_batch_and_its_rows(tmp_path: Path) -> None:
    made = {pair.uid: pair for pair in made_shards.write(tmp_path, [20, 20])}
    dataset = CuratedPairs.offline(str(tmp_path), transform=made_shards.to_tensor)
    loader = PairLoader(dataset, 6, tokenizer=lambda texts: torch.tensor([[len(text)] for text in texts]))
    assert len(loader) == 6
    for batch in loader:
        assert batch.images.shape == (6, 3, 8, 8)
        assert batch.tokens is not None
        assert batch.repeated == 0
        for row, uid in enumerate(batch.uids):
            pair = made.pop(uid)
            assert (batch.texts[row], batch.languages[row]) == (pair.text, pair.language)
            assert tuple(batch.images[row, :, 0, 0].tolist()) == pair.colour
            assert int(batch.tokens[row, 0]) == len(pair.text)
    assert len(made) == 4  # what is left of the epoch is no batch


def test_batches_do_not_depend_on_the_workers(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [9, 30, 11])
    found = []
    for workers in (0, 1, 2):
        loader = pair_loader(tmp_path, 7, workers=workers, drop_last=False)
        epochs = [list(loader), list(loader)]
        assert [len(epoch) for epoch in epochs] == [8, 8]
        assert loader.dataset.epoch == 2
        found.append([(batch.uids, batch.images.flatten().tolist()) for epoch in epochs for batch in epoch])
    assert found[0] == found[1] == found[2]
    assert len({uid for batch, _ in found[0][:8] for uid in batch}) == 50


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("drop_last", [True, False])
def test_ranks_have_equally_many_batches(tmp_path: Path, ranks: int, drop_last: bool) -> None:
    pairs = made_shards.write(tmp_path, [10, 19])
    batches = [list(pair_loader(tmp_path, 4, rank, ranks, drop_last=drop_last)) for rank in range(ranks)]
    assert len({len(each) for each in batches}) == 1
    read = [uid for each in batches for batch in each for uid in batch.uids]
    assert len(read) == len(set(read)) == (29 - 29 % (4 * ranks) if drop_last else 29)
    assert set(read) <= {pair.uid for pair in pairs}
    for step in zip(*batches, strict=True):
        sizes = [len(batch.uids) for batch in step]
        assert max(sizes) - min(sizes) <= (0 if drop_last else 1)


def test_going_on_with_other_ranks_and_workers(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path, [31, 8, 25])
    whole = [pair.uid for pair in CuratedPairs.offline(str(tmp_path), streams=StreamOptions(16, window=4))]
    # Two ranks of two workers consume three batches each, while their workers have read ahead ...
    consumed, states = [], []
    for rank in range(2):
        loader = pair_loader(tmp_path, 5, rank, 2, workers=2, prefetch=4)
        for step, batch in enumerate(loader, 1):
            consumed += batch.uids
            if step == 3:
                states.append(loader.state_dict())
                break
    assert states[0] == states[1]
    assert states[0]["position"] == 30
    assert sorted(consumed) == sorted(whole[:30])
    # ... then three ranks go on, with other batches.
    for rank in range(3):
        loader = pair_loader(tmp_path, 4, rank, 3, streams=0, drop_last=False)
        loader.load_state_dict(states[0])
        assert len(loader) == 3
        for batch in loader:
            consumed += batch.uids
        assert (loader.dataset.epoch, loader.dataset.position) == (1, 0)
    assert len(consumed) == len(set(consumed)) == 64
    assert set(consumed) == {pair.uid for pair in pairs}


def test_a_state_of_other_data_is_refused(tmp_path: Path) -> None:
    made_shards.write(tmp_path / "a", [20])
    made_shards.write(tmp_path / "b", [21])
    state = pair_loader(tmp_path / "a", 2).state_dict()
    with pytest.raises(UserError, match="other data"):
        pair_loader(tmp_path / "b", 2).load_state_dict(state)
    with pytest.raises(UserError, match="seed 0, not 1"):
        CuratedPairs.offline(str(tmp_path / "a"), seed=1).load_state_dict(state)
    with pytest.raises(UserError, match="other data, weights"):
        CuratedPairs.offline(str(tmp_path / "a"), weights={"th": 0.5}).load_state_dict(state)


def test_places_of_broken_images_are_taken(tmp_path: Path) -> None:
    broken = {4: b"", 17: b"no image", 18: b"no image", 30: b"no image"}
    pairs = made_shards.write(tmp_path, [20, 20], broken)
    good = {pair.uid for number, pair in enumerate(pairs) if number not in broken}
    for workers in (0, 2):
        loader = pair_loader(tmp_path, 8, workers=workers)
        batches = list(loader)
        assert [len(batch.uids) for batch in batches] == [8] * 5
        assert {uid for batch in batches for uid in batch.uids} == good
        assert sum(batch.repeated for batch in batches) == 4
        for batch in batches:
            assert len(set(batch.uids)) == 8 - batch.repeated
        assert loader.problems == {"empty": 1, "not an image": 3}


def test_batches_without_any_image(tmp_path: Path) -> None:
    pairs = made_shards.write(tmp_path, [12])
    numbers = {pair.uid: number for number, pair in enumerate(pairs)}
    order = [numbers[uid] for batch in pair_loader(tmp_path, 4) for uid in batch.uids]
    made_shards.write(tmp_path, [12], dict.fromkeys(order[1:], b"no image"))
    batches = list(pair_loader(tmp_path, 4))
    assert [batch.repeated for batch in batches] == [3, 4, 4]
    assert {uid for batch in batches for uid in batch.uids} == {pairs[order[0]].uid}
    made_shards.write(tmp_path, [12], dict.fromkeys(order, b"no image"))
    with pytest.raises(UserError, match=r"none of the images of the first batch can be used \(4 not an image\)"):
        list(pair_loader(tmp_path, 4))


def test_images_must_be_tensors(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [4])
    with pytest.raises(TypeError, match="batches need tensors"):
        next(iter(PairLoader(CuratedPairs.offline(str(tmp_path)), 2)))


def test_workers_that_are_started_anew(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [12])
    expected = uids(list(pair_loader(tmp_path, 4)))
    preloaded_forkserver()
    assert uids(list(pair_loader(tmp_path, 4, workers=1, start_method="forkserver", keep_workers=False))) == expected


def test_a_signal_to_all_processes_ends_no_worker_before_its_batches_are_used(tmp_path: Path) -> None:
    made_shards.write(tmp_path, [200])
    expected = uids(list(pair_loader(tmp_path, 4)))
    others = set(multiprocessing.active_children())
    batches = iter(pair_loader(tmp_path, 4, workers=1, keep_workers=False))
    found = [next(batches)]
    (worker,) = set(multiprocessing.active_children()) - others
    assert worker.pid is not None
    for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
        os.kill(worker.pid, number)
    assert uids([*found, *batches]) == expected
    worker.join(30)
    assert worker.exitcode == 0


def test_a_second_sigterm_ends_a_worker(tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=_wait_for_signals, args=(tmp_path / "ready",))
    child.start()
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGTERM)
    while not (tmp_path / "outlived").exists():
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGTERM)
    child.join(30)
    assert child.exitcode == -signal.SIGTERM


def _wait_for_signals(ready: Path) -> None:
    outlive_signals(0)
    ready.touch()
    signal.pause()
    ready.with_name("outlived").touch()
    signal.pause()
