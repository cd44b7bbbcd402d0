"""Files that other tools read: the bytes of the reference's and of DataComp's formats.

MetaCLIP 2's published loader describes what it takes (its docstring and docs/metaclip2.md): for shard n a JSON object
in `<n - n % 2000>/<n>.json` from image id to a list of [text, language, entry ids], and for each language a NumPy file
`per_lang_t/<t>_<language>.npy` with the probability of every entry. It picks one text of an image and keeps it with
1 - product of (1 - probability) itself, so it gets the matched pairs and not those that are drawn already.

DataComp's resharder takes a sorted one-dimensional NumPy array of uids, each a pair of unsigned 64-bit numbers.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

UID_PAIR = np.dtype("<u8,<u8")
_SHARDS_A_FOLDER = 2000
_UID_BYTES = 16

Text = tuple[str, str, list[int]]


def shard_name(shard: int) -> str:
    """Where the reference's loader looks for a shard's JSON."""
    return f"{shard - shard % _SHARDS_A_FOLDER}/{shard}.json"


def shard_json(images: Mapping[str, Sequence[Text]]) -> bytes:
    """A shard of the reference's format.

    Args:
        images: Of each image id its texts: text, language, entry ids.

    Returns:
        JSON in UTF-8.
    """
    return msgspec.json.encode(images)


def probabilities_name(t: int, language: str) -> str:
    """Where the reference's loader looks for a language's probabilities."""
    return f"per_lang_t/{t}_{language}.npy"


def npy(array: npt.NDArray[Any]) -> bytes:
    """An array as a NumPy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def uid_pairs(uids: pa.Array) -> npt.NDArray[Any]:
    """Uids as pairs of unsigned 64-bit numbers, the first 16 hex digits and the last.

    Args:
        uids: n strings of 32 hex digits.

    Returns:
        Shape (n,), dtype `u8,u8`.

    Raises:
        ValueError: A uid is something else.
    """
    octets = bytes.fromhex("".join(uids.to_pylist()))
    if len(octets) != _UID_BYTES * len(uids):
        raise ValueError("a uid is not 32 hex digits")
    return np.frombuffer(octets, dtype=">u8,>u8").astype(UID_PAIR)


def write_uid_file(file: BinaryIO, count: int, sorted_parts: Iterable[bytes]) -> None:
    """Writes DataComp's file from the bytes of its parts, holding one at a time.

    Args:
        file: To write to.
        count: How many uids there are.
        sorted_parts: Bytes of `uid_pairs` arrays, sorted, each part behind the one before.

    Raises:
        RuntimeError: The parts have another number of uids.
    """
    header = {"descr": np.lib.format.dtype_to_descr(UID_PAIR), "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, header)
    written = 0
    for part in sorted_parts:
        file.write(part)
        written += len(part)
    if written != _UID_BYTES * count:
        raise RuntimeError(f"wrote {written} bytes where {count} uids were due")
