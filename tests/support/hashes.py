"""Made hashes of 256 bits, and the distances between them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def made_hashes(number: int, seed: int, near: Bytes | None = None) -> Bytes:
    """Returns random hashes. With `near`, nine of ten are some of those with up to 40 bits changed."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 256, (number, 32), np.uint8)
    if near is None:
        return hashes
    which = random.integers(0, len(near), number)
    bits = random.random((number, 256)).argsort(axis=1) < random.integers(0, 41, (number, 1))
    changed = near[which] ^ np.packbits(bits, axis=1)
    return np.where(random.random((number, 1)) < 0.9, changed, hashes)


def distances(one: Bytes, other: Bytes) -> npt.NDArray[np.int16]:
    """Returns the number of different bits of each two, shape (n, m), from the product of their bits."""
    a, b = (np.unpackbits(hashes, axis=1).astype(np.float32) for hashes in (one, other))
    different = a.sum(axis=1)[:, None] + b.sum(axis=1) - 2 * (a @ b.T)
    counts: npt.NDArray[np.int16] = different.astype(np.int16)
    return counts
