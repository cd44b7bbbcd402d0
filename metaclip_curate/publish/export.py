"""Files for other tools: the formats of MetaCLIP 2's published loader and of DataComp's resharder.

MetaCLIP 2's loader documents its input (its docstring and docs/metaclip2.md): for shard n a JSON object in
`<n - n % 2000>/<n>.json` from image id to a list of [text, language, entry ids], and for each language a NumPy file
`per_lang_t/<t>_<language>.npy` with the probability of every entry. It selects one text of an image and draws by
itself, with 1 - product of (1 - probability). So it needs the matched pairs and not those of the manifest.

DataComp's resharder reads a sorted one-dimensional NumPy array of uids, each a pair of unsigned 64-bit numbers.
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
    """Returns the path of a shard's JSON within the folder."""
    return f"{shard - shard % _SHARDS_A_FOLDER}/{shard}.json"


def shard_json(images: Mapping[str, Sequence[Text]]) -> bytes:
    """Returns a shard of MetaCLIP 2's format.

    Args:
        images: Texts of each image id, with language and entry ids.

    Returns:
        JSON in UTF-8.
    """
    return msgspec.json.encode(images)


def probabilities_name(t: int, language: str) -> str:
    """Returns the path of a language's probabilities within the folder."""
    return f"per_lang_t/{t}_{language}.npy"


def npy(array: npt.NDArray[Any]) -> bytes:
    """Returns an array as a NumPy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def uid_pairs(uids: pa.Array) -> npt.NDArray[Any]:
    """Returns uids as pairs of unsigned 64-bit numbers: the first and the last 16 hex digits.

    Args:
        uids: Strings of 32 hex digits, shape (n,).

    Returns:
        Array of shape (n,), dtype `u8,u8`.

    Raises:
        ValueError: A uid isn't 32 hex digits.
    """
    octets = bytes.fromhex("".join(uids.to_pylist()))
    if len(octets) != _UID_BYTES * len(uids):
        raise ValueError("a uid isn't 32 hex digits")
    return np.frombuffer(octets, dtype=">u8,>u8").astype(UID_PAIR)


def write_uid_file(file: BinaryIO, count: int, sorted_parts: Iterable[bytes]) -> None:
    """Writes DataComp's file from its parts, one of which is in memory at a time.

    Args:
        file: File to write to.
        count: Number of uids.
        sorted_parts: Bytes of `uid_pairs` arrays, sorted within and across parts.

    Raises:
        RuntimeError: The parts have a different number of uids.
    """
    header = {"descr": np.lib.format.dtype_to_descr(UID_PAIR), "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, header)
    written = 0
    for part in sorted_parts:
        file.write(part)
        written += len(part)
    if written != _UID_BYTES * count:
        raise RuntimeError(f"wrote {written} bytes for {count} uids")
