"""Compressed bytes."""

from __future__ import annotations

import pyarrow as pa


def zstd(data: bytes) -> bytes:
    """Compresses with Zstandard."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed
