"""The balancing algorithm of MetaCLIP: thresholds, probabilities and draws.

From "Demystifying CLIP Data" (arXiv 2309.16671, section 3.3) and "Meta CLIP 2" (arXiv 2507.22062, section 3): each
entry has a count, the number of texts that contain it. Entries with a count below t are the tail, and all their texts
are kept. The other entries are the head, which keep each text with probability t / count. Every language gets the t at
which its tail has the same share of matches as the anchor language's.

All functions work on whole arrays. Draws are a hash of (seed, uid), so that no order or partitioning changes them.
"""

from __future__ import annotations

import binascii
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate.errors import UserError

Counts = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]

_UID_DIGITS = 32
_MAX_SEED = 2**64 - 1


def tail_share(counts: Counts, t: int) -> float:
    """Returns the tail's share of all matches.

    Args:
        counts: Entry counts of one language, shape (entries,).
        t: Threshold; entries with count < t are the tail.

    Returns:
        Sum of the tail's counts divided by the sum of all counts; 0.0 without a match.
    """
    counts = np.asarray(counts, dtype=np.int64)
    total = int(counts.sum())
    return int(counts[counts < t].sum()) / total if total else 0.0


def threshold_for_tail_share(counts: Counts, p: float) -> int:
    """Returns the threshold at which a language's tail share comes closest to p.

    With the counts in ascending order and their running sum divided by the total, it is the count at the first
    position where the running share is nearest to p, and never below 1.

    Args:
        counts: Entry counts of one language, shape (entries,).
        p: Tail share, from 0 to 1.

    Returns:
        Threshold t; 1 without a match.
    """
    ascending = np.sort(np.asarray(counts, dtype=np.int64))
    running = np.cumsum(ascending)
    if running.size == 0 or running[-1] == 0:
        return 1
    nearest = int(np.argmin(np.abs(running / running[-1] - p)))
    return max(1, int(ascending[nearest]))


def entry_probabilities(counts: Counts, t: int) -> Floats:
    """Returns the probability with which each entry keeps a text that contains it: min(1, t / count).

    Args:
        counts: Entry counts of one language, shape (entries,).
        t: Threshold of the language, at least 1.

    Returns:
        Probabilities, shape (entries,); 1.0 for entries without a match.
    """
    counts = np.asarray(counts, dtype=np.int64)
    return np.asarray(np.minimum(1.0, t / np.maximum(counts, 1)), dtype=np.float64)


def keep_probabilities(entry_ids: pa.ListArray, entry_probabilities: Floats) -> Floats:
    """Returns the probability with which each text is kept: 1 - product over its entries of (1 - entry probability).

    The product is taken in the order of the list, so that it is the same to the last bit on every machine.

    Args:
        entry_ids: Lists of entry ids, shape (n,).
        entry_probabilities: Probability of each entry by id, shape (entries,).

    Returns:
        Probabilities, shape (n,); 0.0 for a text without entries.
    """
    lengths = np.asarray(entry_ids.value_lengths().fill_null(0), dtype=np.int64)
    values = entry_ids.flatten().to_numpy(zero_copy_only=False)
    starts = np.cumsum(lengths) - lengths
    result = np.zeros(len(lengths), dtype=np.float64)
    filled = lengths > 0
    if filled.any():
        lost = 1.0 - np.asarray(entry_probabilities, dtype=np.float64)[values]
        result[filled] = 1.0 - np.multiply.reduceat(lost, starts[filled])
    return result


def draws(uids: Any, seed: int) -> Floats:
    """Returns the draw of each pair, which is kept if its draw is below its keep probability.

    Args:
        uids: Uids of 32 hex digits, shape (n,): a pyarrow string array or anything that `pyarrow.array` takes.
        seed: Seed, from 0 to 2^64 - 1.

    Returns:
        Draws, shape (n,), uniform in [0, 1): (h(first 16 hex digits) >> 11) * 2^-53.

    Raises:
        UserError: The seed is out of range.
        ValueError: A uid is not 32 hex digits.
    """
    return (hash_words(uid_words(uids)[:, 0], seed) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def selection_keys(uids: Any, seed: int) -> Words:
    """Returns the keys by which `--texts-per-image one` selects a text of each image, the one with the smallest key.

    Args:
        uids: Uids as in `draws`, shape (n,).
        seed: Seed, from 0 to 2^64 - 1.

    Returns:
        Keys h(last 16 hex digits), shape (n,), independent of the draws.
    """
    return hash_words(uid_words(uids)[:, 1], seed)


def order_keys(uids: Any, seed: int) -> Words:
    """Returns the keys that give the manifest its random order.

    They are hashed twice, the second time over both halves of the uid, so that the order depends neither on the draw
    nor on the selection of an image's text.

    Args:
        uids: Uids as in `draws`, shape (n,).
        seed: Seed, from 0 to 2^64 - 1.

    Returns:
        Keys, shape (n,), uniform in [0, 2^64).
    """
    words = uid_words(uids)
    return hash_words(hash_words(words[:, 1], seed) ^ words[:, 0], seed)


def hash_words(words: Words, seed: int) -> Words:
    """Returns h(x) = splitmix64(x xor splitmix64(seed)), on which all random numbers here are based.

    Args:
        words: 64-bit words of any shape.
        seed: Seed, from 0 to 2^64 - 1.

    Returns:
        Hashes of the same shape.

    Raises:
        UserError: The seed is out of range.
    """
    if not 0 <= seed <= _MAX_SEED:
        raise UserError(f"the seed must be from 0 to 2^64 - 1, not {seed}: give another --seed")
    return _splitmix64(words ^ _splitmix64(np.array([seed], dtype=np.uint64)))


def _splitmix64(x: Words) -> Words:
    """Returns a step of the generator by Steele, Lea and Flood ("Fast splittable pseudorandom number generators")."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uid_words(uids: Any) -> Words:
    """Returns uids as two unsigned 64-bit words each.

    Args:
        uids: Uids as in `draws`, shape (n,).

    Returns:
        First and last 16 hex digits of each, shape (n, 2).

    Raises:
        ValueError: A uid is not 32 hex digits.
    """
    array = uids if isinstance(uids, pa.Array) else pa.array(uids, pa.string())
    # A fixed-size cast checks the length of every uid and leaves one contiguous buffer.
    try:
        fixed = array.cast(pa.binary()).cast(pa.binary(_UID_DIGITS))
    except pa.ArrowInvalid as error:
        raise ValueError(f"a uid is not {_UID_DIGITS} hex digits: {error}") from error
    digits = memoryview(fixed.buffers()[1])[fixed.offset * _UID_DIGITS :][: len(fixed) * _UID_DIGITS]
    if fixed.null_count:
        raise ValueError("a uid is null")
    try:
        octets = binascii.unhexlify(digits)
    except binascii.Error as error:
        raise ValueError(f"a uid is not {_UID_DIGITS} hex digits: {error}") from error
    return np.frombuffer(octets, dtype=">u8").astype(np.uint64).reshape(-1, 2)
