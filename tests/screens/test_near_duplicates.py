"""Near duplicates, against comparing all images with all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metaclip_curate.screens import first_neighbours
from metaclip_curate.screens.near_duplicates import Images, near_duplicates, pieces_of, search
from tests.support.hashes import Bytes, distances, made_hashes


def made_images(number: int, seed: int) -> Images:
    """Images of which about half are near others, and no two have the same hash."""
    first = made_hashes(number // 2, seed)
    hashes = np.unique(np.concatenate([first, made_hashes(number - len(first), seed + 1, near=first)]), axis=0)
    random = np.random.default_rng(seed + 2)
    return Images(random.integers(0, 256, (len(hashes), 16), np.uint8), random.permutation(hashes))


def expected(images: Images, distance: int, a_block: int = 1000) -> dict[str, tuple[str, int]]:
    """The smallest uid within the distance of each image that has one."""
    order = sorted(range(len(images.uids)), key=lambda row: images.uids[row].tobytes())
    uids = [images.uids[row].tobytes().hex() for row in order]
    hashes: Bytes = images.hashes[order]
    found = {}
    for start in range(0, len(order), a_block):
        bits = distances(hashes[start : start + a_block], hashes[: start + a_block])
        for row, of_row in enumerate(bits, start):
            near = np.flatnonzero(of_row[:row] <= distance)
            if len(near):
                found[uids[row]] = (uids[near[0]], int(of_row[near[0]]))
    return found


def by_uid(rows: list[dict[str, Any]]) -> dict[str, tuple[str, int]]:
    return {row["uid"]: (row["other"], row["distance"]) for row in rows if row["other"]}


@pytest.mark.parametrize("distance", [0, 8, 15, 16, 24, 31])
def test_it_finds_what_comparing_all_finds(distance: int) -> None:
    images = made_images(1500, seed=5)
    found = near_duplicates(images, distance)
    assert not any(found["capped"].to_pylist())
    assert by_uid(found.to_pylist()) == expected(images, distance)


@pytest.mark.parametrize("distance", [15, 31])
def test_hashes_with_many_candidates_are_compared_in_blocks(distance: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_MANY", 2), ("_BLOCK_ROWS", 7), ("_BLOCK_CANDIDATES", 5)):
        monkeypatch.setattr(first_neighbours, name, value)
    images = made_images(500, seed=9)
    images.hashes[::2, 2:4] = 7  # a band that half of them have
    hashes, rows = np.unique(images.hashes, axis=0, return_index=True)
    images = Images(images.uids[rows], hashes)
    assert by_uid(near_duplicates(images, distance).to_pylist()) == expected(images, distance)


@pytest.mark.slow
def test_of_more_images_as_well() -> None:
    """`make bench BENCH=images` compares 20,000."""
    images = made_images(6_000, seed=6)
    found = by_uid(near_duplicates(images, 31).to_pylist())
    assert 1_500 < len(found) < 4_000
    assert found == expected(images, 31)


def test_tasks_find_together_what_one_finds() -> None:
    images = made_images(800, seed=7)
    pieces: dict[tuple[int, int], list[Images]] = {}
    for half in (slice(0, 300), slice(300, None)):  # as two tasks read them
        for piece in pieces_of(Images(images.uids[half], images.hashes[half]), 31, 5):
            packed = Images.from_bytes(piece.images.to_bytes())
            pieces.setdefault((piece.task, piece.position), []).append(packed)
    smallest: dict[str, tuple[str, int]] = {}
    for (_, position), parts in pieces.items():
        joined = Images(*map(np.concatenate, zip(*parts, strict=True)))
        for uid, found in by_uid(search(joined, position, 31).to_pylist()).items():
            smallest[uid] = min(found, smallest.get(uid, found))
    assert smallest == expected(images, 31)
    assert {task for task, _ in pieces} == set(range(5))


def test_a_band_that_very_many_have_is_capped_and_what_isnt_compared_is_said() -> None:
    random = np.random.default_rng(8)
    hashes = np.zeros((3000, 32), np.uint8)  # nearly blank: 8 bits of noise, never in the first 8 bands
    for row in hashes:
        bits = np.zeros(256, np.uint8)
        bits[128 + random.permutation(128)[:8]] = 1
        row[:] = np.packbits(bits)
    images = Images(random.integers(0, 256, (3000, 16), np.uint8), np.unique(hashes, axis=0))
    found = near_duplicates(images, 31, most=100)
    # Nearly all are near the first ones, and are found there.
    assert by_uid(found.to_pylist()) == expected(images, 31)
    assert 2_800 < sum(found["capped"].to_pylist()) < 3_000
