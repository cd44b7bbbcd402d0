"""Fingerprints of images: how well copies are found, and how fast.

Pictures are made, so what is found among photographs differs.
"""

from __future__ import annotations

import hashlib
import math
import time
import tracemalloc

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from PIL import Image

from benchmarks.changed_pictures import DISTANCE, changes
from benchmarks.cpu_time import best_seconds
from metaclip_curate.images.decoding import decode
from metaclip_curate.images.fingerprint import picture_hash
from metaclip_curate.screens.near_duplicates import Images, near_duplicates, pieces_of, positions_of, search
from tests.support.hashes import distances, made_hashes
from tests.support.pictures import encoded, picture

_PICTURES, _HASHES, _FILES = 2_000, 20_000, 200
# Hashes that are searched in pieces as the tasks of a run get them.
_MANY, _A_TASK = 1_000_000, 1_000_000
_SIDE = 256  # of the shorter side, as `download` stores images


def main(quick: bool = False) -> None:
    """Prints the results.

    Args:
        quick: Whether to use a tenth of the pictures and hashes.
    """
    scale = 10 if quick else 1
    _print_changes(_PICTURES // scale)
    _print_search(_HASHES // scale)
    for number in (_MANY // 4, _MANY):
        _print_search_of_many(number // scale, 0)
    _print_search_of_many(_MANY // scale, _MANY // 5 // scale)
    _print_speed(3 if quick else 7)


def _print_changes(number: int) -> None:
    print(f"\n{number:,} pictures and a changed copy of each, up to {DISTANCE} of 256 bits\n")
    print(f"  {'':<32} {'recall':>8} {'precision':>10} {'median of bits':>15}")
    for each in changes(number):
        precision = "" if math.isnan(each.precision) else f"{each.precision:.1%}"
        print(f"  {each.name:<32} {each.recall:>8.1%} {precision:>10} {each.median:>15.0f}")


def _print_search(number: int) -> None:
    first = made_hashes(number // 2, 1)
    hashes = np.unique(np.concatenate([first, made_hashes(number - len(first), 2, near=first)]), axis=0)
    random = np.random.default_rng(3)
    images = Images(random.integers(0, 256, (len(hashes), 16), np.uint8), random.permutation(hashes))
    started = time.process_time()
    rows = near_duplicates(images, DISTANCE).to_pylist()
    searched = time.process_time() - started
    found = {row["uid"]: row["other"] for row in rows if row["other"]}
    started = time.process_time()
    expected = _by_comparing_all(images)
    compared = time.process_time() - started
    print(f"\n{len(hashes):,} hashes, {len(found):,} near duplicates of a smaller uid\n")
    print(f"  search {searched:.1f} s, comparing all with all {compared:.1f} s")
    print(f"  the same are found: {'yes' if found == expected else 'no'}")


def _print_search_of_many(number: int, blank: int) -> None:
    """Searches hashes of which a tenth are changed copies.

    Args:
        number: Number of hashes.
        blank: Number of those that are of nearly blank pictures: 8 of their 16 bands are zero.
    """
    random = np.random.default_rng(6)
    first = made_hashes(number - number // 10 - blank, 4)
    near = _changed(first[random.integers(0, len(first), number // 10)], 0, 40)
    blanks = _changed(np.zeros((blank, 32), np.uint8), 128, 24)
    hashes = np.unique(np.concatenate([first, near, blanks]), axis=0)
    images = Images(random.integers(0, 256, (len(hashes), 16), np.uint8), random.permutation(hashes))
    tasks = 1 + len(hashes) * len(positions_of(DISTANCE)) // _A_TASK
    rejected: set[str] = set()
    capped: set[str] = set()
    slowest, started, memory = 0.0, time.process_time(), 0.0
    for piece in pieces_of(images, DISTANCE, tasks):
        begun = time.process_time()
        tracemalloc.start()
        found = search(piece.images, piece.position, DISTANCE)
        memory = max(memory, tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
        slowest = max(slowest, time.process_time() - begun)
        rejected.update(found.filter(pc.is_valid(found["other"]))["uid"].to_pylist())
        capped.update(found.filter(found["capped"])["uid"].to_pylist())
    print(f"\n{len(hashes):,} hashes, {blank:,} of them of nearly blank pictures, in {tasks} tasks\n")
    print(f"  {time.process_time() - started:.0f} s; the slowest piece {slowest:.1f} s, the largest {memory:.0f} MB")
    print(f"  {len(rejected):,} near duplicates; {len(capped - rejected):,} others weren't compared with all")


def _changed(hashes: npt.NDArray[np.uint8], first_bit: int, most: int) -> npt.NDArray[np.uint8]:
    """Returns hashes with up to so many bits changed, none of them before the first."""
    random = np.random.default_rng(7)
    bits = random.integers(first_bit, 256, (len(hashes), most))
    rows, places = np.nonzero(np.arange(most) < random.integers(0, most + 1, (len(hashes), 1)))
    bits = bits[rows, places]
    changed = hashes.copy()
    np.bitwise_xor.at(changed, (rows, bits // 8), (1 << bits % 8).astype(np.uint8))
    return changed


def _by_comparing_all(images: Images, a_block: int = 1_000) -> dict[str, str]:
    order = sorted(range(len(images.uids)), key=lambda row: images.uids[row].tobytes())
    uids, hashes = [images.uids[row].tobytes().hex() for row in order], images.hashes[order]
    found = {}
    for start in range(0, len(order), a_block):
        near = distances(hashes[start : start + a_block], hashes[: start + a_block]) <= DISTANCE
        for row, of_row in enumerate(near, start):
            first = int(of_row[:row].argmax()) if row else 0
            if row and of_row[first]:
                found[uids[row]] = uids[first]
    return found


def _print_speed(rounds: int) -> None:
    files = [_stored(seed) for seed in range(_FILES)]
    tasks = {
        "decoding": lambda: [decode(data) for data in files],
        "decoding and PDQ": lambda: [picture_hash(data) for data in files],
        "both digests": lambda: [(hashlib.sha256(data).digest(), hashlib.md5(data).digest()) for data in files],
    }
    print(f"\n{_FILES} JPEG files of {_SIDE * 4 // 3} x {_SIDE} pixels, one core\n")
    for name, seconds in best_seconds(tasks, rounds).items():
        print(f"  {name:<24} {len(files) / seconds:>10,.0f} images a second")


def _stored(seed: int) -> bytes:
    # Noise, so that files are as long as those of photographs.
    image = np.asarray(picture(seed, (_SIDE * 4 // 3, _SIDE))).astype(np.int16)
    noisy = image + np.random.default_rng(seed).integers(-12, 13, image.shape)
    return encoded(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)))
