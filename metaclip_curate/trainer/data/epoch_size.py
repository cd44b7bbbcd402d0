"""Sizes of epochs, and the fingerprint of the data that decide them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from metaclip_curate.trainer.data.selection import Selection
from metaclip_curate.trainer.data.shards import Indices, ShardSource

_THREADS = 8


def expected_size(source: ShardSource, selection: Selection) -> float:
    """Computes the expected number of samples of an epoch, broken images included."""
    if selection.takes_all:
        return float(source.sizes.sum())
    return float(sum(_map_texts(source, selection, selection.expected_images)))


def sample_counts(source: ShardSource, selection: Selection, epoch: int) -> Indices:
    """Counts the samples that an epoch uses of each shard and copy, shape (shards, copies)."""
    if selection.takes_all:
        return source.sizes.reshape(-1, 1)
    copies = range(selection.copies)
    counts = _map_texts(source, selection, lambda texts: [len(selection.select(texts, epoch, copy)) for copy in copies])
    return np.array(counts, dtype=np.int64).reshape(-1, len(copies))


def fingerprint(source: ShardSource, selection: Selection) -> str:
    """Computes a digest of the shards and of the rule that selects their texts."""
    digest = hashlib.sha256()
    for name, size in zip(source.names, source.sizes.tolist(), strict=True):
        digest.update(f"{name} {size}\n".encode())
    digest.update(repr(sorted(selection.weights.items())).encode())
    for language, probabilities in sorted((selection.entry_probabilities or {}).items()):
        digest.update(language.encode() + probabilities.tobytes())
    if selection.only is not None:
        digest.update(np.bitwise_xor.reduce(selection.only, axis=0).tobytes())
    return digest.hexdigest()[:16]


def _map_texts(source: ShardSource, selection: Selection, function: Callable[[Any], Any]) -> list[Any]:
    """Applies a function to the texts of each shard, without reading images."""

    def of_shard(index: int) -> Any:
        return function(source.shard(index, selection.columns).texts)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(of_shard, range(len(source.names))))
