"""Fingerprints of images: how well copies are found, and how fast.

Pictures are made, so what is found among photographs differs.
"""

from __future__ import annotations

import hashlib
import math
import time

import numpy as np
from PIL import Image

from benchmarks.changed_pictures import DISTANCE, changes
from benchmarks.cpu_time import best_seconds
from metaclip_curate.images.decoding import decode
from metaclip_curate.images.fingerprint import picture_hash
from metaclip_curate.screens.near_duplicates import Images, near_duplicates
from tests.support.hashes import distances, made_hashes
from tests.support.pictures import encoded, picture

_PICTURES, _HASHES, _FILES = 2_000, 20_000, 200
_SIDE = 256  # of the shorter side, as `download` stores images


def main(quick: bool = False) -> None:
    """Prints the results.

    Args:
        quick: Whether to use a tenth of the pictures and hashes.
    """
    scale = 10 if quick else 1
    _print_changes(_PICTURES // scale)
    _print_search(_HASHES // scale)
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
