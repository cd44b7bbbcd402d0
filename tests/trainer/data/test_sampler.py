"""Every sample once, whoever reads."""

from __future__ import annotations

import random

import numpy as np
import pytest

from metaclip_curate.trainer.data.sampler import EpochSampler


def order(counts: list[list[int]], streams: int = 16, window: int = 4, seed: int = 0, epoch: int = 0) -> EpochSampler:
    return EpochSampler(np.array(counts), streams, window, seed, epoch)


def all_locations(made: EpochSampler) -> list[tuple[int, int, int]]:
    """Shard, copy and position among its used samples, as if windows weren't shuffled, stream by stream."""
    found = []
    for stream in range(made.streams):
        for number in range(made.stream_length(stream)):
            location = made.locate(stream, number)
            assert location.offset < location.end <= made.window
            found.append((location.shard, location.copy, location.window * made.window + location.offset))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_every_sample_is_in_one_lane_once(seed: int) -> None:
    random_ = random.Random(seed)
    copies = random_.choice([1, 1, 3])
    counts = [[random_.choice([0, 1, 3, 10, 25]) for _ in range(copies)] for _ in range(random_.randint(1, 9))]
    made = order(counts, streams=random_.choice([1, 2, 7, 16]), window=random_.choice([1, 3, 8, 100]), seed=seed)
    expected = {
        (shard, copy, position)
        for shard, row in enumerate(counts)
        for copy, count in enumerate(row)
        for position in range(count)
    }
    locations = all_locations(made)
    assert len(locations) == len(made) == len(expected)
    assert set(locations) == expected


@pytest.mark.parametrize(("start", "parts"), [(0, 1), (0, 3), (5, 4), (7, 40), (0, 16)])
def test_readers_share_samples_without_gaps(start: int, parts: int) -> None:
    made = order([[10], [21]])
    shares = [list(made.share(start, len(made), part, parts)) for part in range(parts)]
    assert sorted(sample for share in shares for sample, _, _ in share) == list(range(start, 31))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for share in shares:
        numbers: dict[int, int] = {}
        for sample, stream, number in share:
            assert (stream, number) == (sample % 16, sample // 16)
            assert number > numbers.get(stream, -1)  # a stream is read from front to back
            numbers[stream] = number


@pytest.mark.parametrize("parts", [1, 2, 8, 16])
@pytest.mark.parametrize("start", [0, 5])
def test_no_two_readers_share_a_lane(parts: int, start: int) -> None:
    made = order([[100]])
    streams = [{stream for _, stream, _ in made.share(start, 100, part, parts)} for part in range(parts)]
    assert sum(map(len, streams)) == len(set.union(*streams)) == 16


def test_epochs_and_seeds_differ() -> None:
    seeds_and_epochs = [(0, 0), (0, 1), (1, 0), (0, 0)]
    orders = [all_locations(order([[5]] * 40, seed=seed, epoch=epoch)) for seed, epoch in seeds_and_epochs]
    assert orders[0] == orders[3]
    assert len({tuple(each) for each in orders}) == 3


def test_an_epoch_without_samples() -> None:
    assert len(order([[0], [0]])) == 0
    assert list(order([[0]]).share(0, 10, 0, 1)) == []
