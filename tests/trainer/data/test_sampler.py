"""Every sample once, whoever reads."""

from __future__ import annotations

import random

import numpy as np
import pytest

from metaclip_curate.trainer.data.sampler import EpochOrder


def order(counts: list[list[int]], lanes: int = 16, window: int = 4, seed: int = 0, epoch: int = 0) -> EpochOrder:
    return EpochOrder(np.array(counts), lanes, window, seed, epoch)


def all_places(made: EpochOrder) -> list[tuple[int, int, int]]:
    """Shard, copy and place within its used samples, if windows weren't shuffled, lane by lane."""
    found = []
    for lane in range(made.lanes):
        for number in range(made.lane_length(lane)):
            place = made.locate(lane, number)
            assert place.offset < place.last <= made.window
            found.append((place.shard, place.copy, place.window * made.window + place.offset))
    return found


@pytest.mark.parametrize("seed", range(30))
def test_every_sample_is_in_one_lane_once(seed: int) -> None:
    random_ = random.Random(seed)
    copies = random_.choice([1, 1, 3])
    counts = [[random_.choice([0, 1, 3, 10, 25]) for _ in range(copies)] for _ in range(random_.randint(1, 9))]
    made = order(counts, lanes=random_.choice([1, 2, 7, 16]), window=random_.choice([1, 3, 8, 100]), seed=seed)
    expected = {
        (shard, copy, place)
        for shard, row in enumerate(counts)
        for copy, count in enumerate(row)
        for place in range(count)
    }
    places = all_places(made)
    assert len(places) == len(made) == len(expected)
    assert set(places) == expected


@pytest.mark.parametrize(("start", "parts"), [(0, 1), (0, 3), (5, 4), (7, 40), (0, 16)])
def test_readers_share_samples_without_gaps(start: int, parts: int) -> None:
    made = order([[10], [21]])
    shares = [list(made.share(start, len(made), part, parts)) for part in range(parts)]
    assert sorted(sample for share in shares for sample, _, _ in share) == list(range(start, 31))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for share in shares:
        numbers: dict[int, int] = {}
        for sample, lane, number in share:
            assert (lane, number) == (sample % 16, sample // 16)
            assert number > numbers.get(lane, -1)  # a lane is read from front to back
            numbers[lane] = number


@pytest.mark.parametrize("parts", [1, 2, 8, 16])
@pytest.mark.parametrize("start", [0, 5])
def test_no_two_readers_share_a_lane(parts: int, start: int) -> None:
    made = order([[100]])
    lanes = [{lane for _, lane, _ in made.share(start, 100, part, parts)} for part in range(parts)]
    assert sum(map(len, lanes)) == len(set.union(*lanes)) == 16


def test_epochs_and_seeds_differ() -> None:
    orders = [all_places(order([[5]] * 40, seed=seed, epoch=epoch)) for seed, epoch in [(0, 0), (0, 1), (1, 0), (0, 0)]]
    assert orders[0] == orders[3]
    assert len({tuple(each) for each in orders}) == 3


def test_an_epoch_without_samples() -> None:
    assert len(order([[0], [0]])) == 0
    assert list(order([[0]]).share(0, 10, 0, 1)) == []
