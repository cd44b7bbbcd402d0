"""The position is shared by processes, and counts are computed once an epoch."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

from metaclip_curate.trainer.data.epoch_state import EpochState
from metaclip_curate.trainer.data.stream import StreamOptions


def test_a_child_sees_where_its_parent_moves() -> None:
    state = EpochState(StreamOptions(), shards=2, copies=1)
    fork = multiprocessing.get_context("fork")
    moved, seen = fork.Event(), fork.SimpleQueue()

    def watch() -> None:
        moved.wait(10)
        seen.put((state.epoch, state.position))

    child = fork.Process(target=watch)
    child.start()
    state.move_to(3, 40)
    moved.set()
    assert seen.get() == (3, 40)
    child.join()


def test_counts_are_computed_once_an_epoch() -> None:
    state = EpochState(StreamOptions(), shards=2, copies=2)
    computed = []

    def count() -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        computed.append(state.epoch)
        return np.full((2, 2), state.epoch, dtype=np.int64)

    for epoch in (0, 0, 1, 1, 0):
        state.move_to(epoch, 0)
        assert state.counts(count).tolist() == [[epoch, epoch]] * 2
    assert computed == [0, 1, 0]


@pytest.mark.parametrize(("given", "readers", "streams"), [(0, 1, 16), (0, 3, 18), (0, 40, 40), (7, 3, 7)])
def test_the_first_call_decides_the_streams(given: int, readers: int, streams: int) -> None:
    state = EpochState(StreamOptions(given), shards=1, copies=1)
    assert state.streams_for(readers) == streams
    assert state.streams_for(readers + 1) == streams


def test_a_negative_position_is_refused() -> None:
    with pytest.raises(ValueError, match="no epoch 0 with a position -1"):
        EpochState(StreamOptions(), shards=1, copies=1).move_to(0, -1)
