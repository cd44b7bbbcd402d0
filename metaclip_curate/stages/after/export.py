"""Tables to the files of other tools, written by the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate import balance, storage
from metaclip_curate.publish.export import npy, probabilities_name, shard_json, shard_name, uid_pairs
from metaclip_curate.storage import StorageOptions

Batches = Iterator[pa.RecordBatch]

_SHARDS = "shard bigint, images bigint, texts bigint"
_LANGUAGES = "metadata_lang string, entries bigint"
_UID_PARTS = "prefix string, uids bigint"
# Of the 24 hex digits of an image id as many as a bigint holds.
_SHARD_DIGITS = 15
# A part of uids is sorted in one worker's memory: 16 bytes each, and some 100 as Python strings on the way.
_UIDS_A_PART = 1_000_000


def write_shards(matched: DataFrame, shards: int, folder: str, options: StorageOptions) -> tuple[int, int]:
    """Writes the matched pairs as shards of the reference's format.

    An image is in the shard that the number of its id's first 15 hex digits has as remainder, so that its place
    follows from its id and the number of shards.

    Args:
        matched: Rows of `schemas.MATCHED`.
        shards: How many shards.
        folder: Where to write them.
        options: How workers reach it.

    Returns:
        Images and texts. A shard without any is written too, as the loader opens them all.
    """
    digits = F.substring("image_id", 1, _SHARD_DIGITS)
    shard = F.pmod(F.conv(digits, 16, 10).cast("bigint"), F.lit(shards).cast("bigint"))
    rows = matched.select(shard.alias("shard"), "image_id", "uid", "text", "metadata_lang", "entry_ids")
    placed = rows.repartition("shard").sortWithinPartitions("shard", "image_id", "uid")
    written = placed.mapInArrow(_shard_writer(folder, options), _SHARDS).collect()
    for number in set(range(shards)) - {row["shard"] for row in written}:
        storage.write_bytes(storage.join(folder, shard_name(number)), shard_json({}), options)
    return sum(row["images"] for row in written), sum(row["texts"] for row in written)


def _shard_writer(folder: str, options: StorageOptions) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        for number, rows in groupby(_rows(batches), key=lambda row: row[0]):
            images: dict[str, list[tuple[str, str, list[int]]]] = {}
            for _, image_id, _, text, language, entry_ids in rows:
                images.setdefault(image_id, []).append((text, language, entry_ids))
            storage.write_bytes(storage.join(folder, shard_name(number)), shard_json(images), options)
            sizes = [number, len(images), sum(map(len, images.values()))]
            yield pa.RecordBatch.from_arrays([pa.array([size]) for size in sizes], ["shard", "images", "texts"])

    return run


def _rows(batches: Batches) -> Iterator[tuple[int, str, str, str, str, list[int]]]:
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def write_probabilities(
    counts: DataFrame, thresholds: Mapping[str, int], t: int, folder: str, options: StorageOptions
) -> dict[str, int]:
    """Writes each language's entry probabilities, one task a language.

    Args:
        counts: Rows of `schemas.COUNTS`.
        thresholds: t of each language.
        t: The t in the files' names, the same for all languages.
        folder: Where to write them.
        options: How workers reach it.

    Returns:
        Number of entries of each language.
    """
    columns = counts.select("metadata_lang", "entry_id", "count")
    writer = _probabilities_writer(thresholds, t, folder, options)
    return dict(columns.groupBy("metadata_lang").applyInPandas(writer, _LANGUAGES).collect())


def _probabilities_writer(
    thresholds: Mapping[str, int], t: int, folder: str, options: StorageOptions
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def write(of_language: pd.DataFrame) -> pd.DataFrame:
        language = str(of_language["metadata_lang"].iloc[0])
        ordered = of_language.sort_values("entry_id")
        if not np.array_equal(ordered["entry_id"], np.arange(len(ordered))):
            raise RuntimeError(f"the counts of {language} don't have every entry once")
        counts = ordered["count"].to_numpy(dtype=np.int64)
        data = npy(balance.entry_probabilities(counts, thresholds[language]))
        storage.write_bytes(storage.join(folder, probabilities_name(t, language)), data, options)
        return pd.DataFrame({"metadata_lang": [language], "entries": [len(ordered)]})

    return write


def prefix_digits(uids: int) -> int:
    """With how many hex digits uids fall into parts that a worker can sort."""
    digits = 0
    while uids > _UIDS_A_PART * 16**digits:
        digits += 1
    return digits


def write_uid_parts(uids: DataFrame, digits: int, folder: str, options: StorageOptions) -> list[tuple[str, int]]:
    """Writes uids as sorted arrays, one for each beginning that uids have.

    Uids are hashes, so that parts are of about the same size; their beginnings make the same parts in every run.

    Args:
        uids: Rows with uid.
        digits: Length of the beginnings.
        folder: Where to write a part under the name of its beginning.
        options: How workers reach it.

    Returns:
        The beginnings in order, and how many uids each has.
    """
    rows = uids.select(F.substring("uid", 1, digits).alias("prefix"), "uid")
    placed = rows.repartition("prefix").sortWithinPartitions("prefix", "uid")
    return sorted((row[0], row[1]) for row in placed.mapInArrow(_uid_writer(folder, options), _UID_PARTS).collect())


def uid_part_name(prefix: str) -> str:
    """Names the part of uids that begin so."""
    return f"uids-{prefix}.bin"


def _uid_writer(folder: str, options: StorageOptions) -> Callable[[Batches], Batches]:
    def run(batches: Batches) -> Batches:
        for prefix, pieces in groupby(_by_prefix(batches), key=lambda piece: piece[0]):
            data = b"".join(uid_pairs(uids).tobytes() for _, uids in pieces)
            storage.write_bytes(storage.join(folder, uid_part_name(prefix)), data, options)
            columns = [pa.array([prefix]), pa.array([len(data) // 16])]
            yield pa.RecordBatch.from_arrays(columns, ["prefix", "uids"])

    return run


def _by_prefix(batches: Batches) -> Iterator[tuple[str, pa.Array]]:
    """Cuts sorted rows of prefix and uid where the prefix changes."""
    for batch in batches:
        for prefix in batch.column(0).unique():
            yield prefix.as_py(), batch.filter(pc.equal(batch.column(0), prefix)).column(1)
