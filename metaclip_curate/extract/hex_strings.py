"""Ids as tables have them, in hex digits, and as bytes, which take half of the memory."""

from __future__ import annotations

import binascii

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]


def to_hex(ids: Bytes) -> pa.Array:
    """Returns ids as strings of hex digits.

    Args:
        ids: Shape (n, number of bytes of an id).
    """
    rows, size = ids.shape
    digits = binascii.hexlify(ids.tobytes())
    offsets = np.arange(0, 2 * size * rows + 1, 2 * size, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(digits))


def from_hex(ids: pa.Array, size: int) -> Bytes:
    """Returns strings of hex digits as bytes.

    Args:
        ids: n strings.
        size: Number of bytes of an id.

    Returns:
        Shape (n, size).

    Raises:
        ValueError: A string has another length, or other characters.
    """
    _, offsets, digits = ids.buffers()
    if not len(ids) or offsets is None or digits is None:
        return np.empty((0, size), np.uint8)
    bounds = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    if np.any(np.diff(bounds) != 2 * size):
        raise ValueError(f"an id hasn't {2 * size} hex digits")
    packed = binascii.unhexlify(memoryview(digits)[bounds[0] : bounds[-1]])
    return np.frombuffer(packed, np.uint8).reshape(len(ids), size)
