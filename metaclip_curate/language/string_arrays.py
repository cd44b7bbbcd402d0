"""Texts of any kind of array as one plain string array, and as Python strings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa


def string_array(texts: Any) -> pa.Array:
    """Returns one plain string array from whatever `pyarrow.array` takes, chunked and dictionary arrays included."""
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        texts = _array_of_python_strings(texts)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.type == pa.string():
        return texts
    return texts.cast(pa.string())


def python_strings(texts: pa.Array) -> list[str]:
    """Returns the texts of a string array as Python strings. Bytes that aren't UTF-8 become U+FFFD."""
    try:
        strings: list[str] = texts.to_pylist()
    except UnicodeDecodeError:
        return [value.decode("utf-8", "replace") for value in texts.cast(pa.binary()).to_pylist()]
    return strings


def _array_of_python_strings(texts: Iterable[Any]) -> pa.Array:
    if not isinstance(texts, Sequence):
        texts = list(texts) if not hasattr(texts, "dtype") else texts
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:
        return pa.array([text if text is None else _encodable(text) for text in texts], pa.string())


def _encodable(text: str) -> str:
    """Replaces each lone surrogate by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
