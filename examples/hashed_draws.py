"""Arrays of random numbers that are a hash of a key.

There is no generator state, so that any page can be made without the earlier ones, in any order.
"""

import numpy as np
from numpy.typing import NDArray

MASK = 2**64 - 1

Fractions = NDArray[np.float64]


def hashed_fractions(count: int, *key: int) -> Fractions:
    """Returns numbers in [0, 1) for a key.

    Each is one step of the splitmix64 generator (Steele, Lea and Flood, "Fast splittable
    pseudorandom number generators", OOPSLA 2014) at a position that depends on the key.

    Args:
        count: Number of numbers.
        key: Integers.
    """
    start = 0
    for part in key:
        start = int(_mix(np.array([(start + part) & MASK], dtype=np.uint64))[0])
    positions = np.arange(count, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95) + np.uint64(start)
    return (_mix(positions) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def log_normal(median: float, sigma: float, u: Fractions, v: Fractions) -> Fractions:
    """Returns log-normal numbers, each from two uniform ones (Box and Muller 1958)."""
    normal = np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v)
    return np.asarray(median * np.exp(sigma * normal), dtype=np.float64)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Applies splitmix64's finaliser, modulo 2**64 like all uint64 arrays."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
