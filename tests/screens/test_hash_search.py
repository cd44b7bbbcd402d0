"""Hashes within a distance, against comparing all with all."""

from __future__ import annotations

import numpy as np
import pytest

from metaclip_curate.screens import hash_search
from metaclip_curate.screens.first_neighbours import first_neighbours
from metaclip_curate.screens.hash_search import HashIndex, bit_counts, words_of
from tests.support.hashes import distances, made_hashes


@pytest.mark.parametrize("distance", [0, 3, 15, 16, 31])
def test_the_nearest_hash_is_that_of_comparing_all(distance: int) -> None:
    known = made_hashes(400, seed=1)
    queries = made_hashes(300, seed=2, near=known)
    found = HashIndex(known).nearest(queries, distance)
    expected = distances(queries, known)
    nearest = expected.min(axis=1)
    is_near = nearest <= distance
    assert 0 < is_near.sum() < len(queries)
    assert found.known.tolist() == np.where(is_near, expected.argmin(axis=1), -1).tolist()
    assert found.distance.tolist() == np.where(is_near, nearest, -1).tolist()
    assert not found.capped.any()


def test_an_index_without_hashes_finds_nothing() -> None:
    found = HashIndex(made_hashes(0, seed=1)).nearest(made_hashes(3, seed=2), 31)
    assert found.known.tolist() == [-1] * 3
    assert HashIndex(made_hashes(3, seed=1)).nearest(made_hashes(0, seed=2), 31).known.tolist() == []


def test_what_comes_before_is_found_up_to_the_cap() -> None:
    hashes = made_hashes(50, seed=3)
    hashes[:] = hashes[0]
    hashes[:, 31] = np.arange(50)  # less than 7 bits apart, in the last band
    keys = hash_search.band_keys(hashes, 0)
    found = first_neighbours(hashes, keys, [0], 31, most=10)
    assert found.known.tolist() == [-1] + [0] * 49
    assert found.capped.tolist() == [False] * 11 + [True] * 39


def test_bits_are_counted_with_either_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    words = words_of(made_hashes(1000, seed=4))[0]
    expected = [int(word).bit_count() for word in words]
    assert bit_counts(words).tolist() == expected
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert bit_counts(words).tolist() == expected
