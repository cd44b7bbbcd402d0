"""Tables in the formats of other tools, written by the workers."""

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
from metaclip_curate.errors import UserError
from metaclip_curate.publish.export import npy, probabilities_name, shard_json, shard_name, uid_pairs
from metaclip_curate.storage import StorageOptions

Batches = Iterator[pa.RecordBatch]

_SHARDS = "shard bigint, images bigint, texts bigint"
_LANGUAGES = "metadata_lang string, entries bigint"
_UID_PARTS = "prefix string, uids bigint"
_UID = "^[0-9a-f]{32}$"
# Of the 24 hex digits of an image id, as many as fit into a bigint.
_SHARD_DIGITS = 15
# A worker sorts a part in its memory: a uid takes 16 bytes, and about 100 while it is a Python string.
_UIDS_A_PART = 1_000_000


def write_shards(matched: DataFrame, shards: int, folder: str, options: StorageOptions) -> tuple[int, int]:
    """Writes the matched pairs as shards of the reference's format.

    An image's shard is the number of its id's first 15 hex digits modulo the number of shards.

    Args:
        matched: Rows of `schemas.MATCHED`.
        shards: Number of shards.
        folder: Path or URL of the folder for the shards.
        options: Credentials and limits for writing them.

    Returns:
        Numbers of images and texts. Empty shards are written too, since the loader opens all of them.
    """
    digits = F.substring("image_id", 1, _SHARD_DIGITS)
    shard = F.pmod(F.conv(digits, 16, 10).cast("bigint"), F.lit(shards).cast("bigint"))
    rows = matched.select(shard.alias("shard"), "image_id", "uid", "text", "metadata_lang", "entry_ids")
    sorted_rows = rows.repartition("shard").sortWithinPartitions("shard", "image_id", "uid")
    written = sorted_rows.mapInArrow(_shard_writer(folder, options), _SHARDS).collect()
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
    """Writes the entry probabilities, with one task for each language.

    Args:
        counts: Rows of `schemas.COUNTS`.
        thresholds: The t of each language.
        t: The t in the files' names, the same for all languages.
        folder: Path or URL of the folder for the files.
        options: Credentials and limits for writing them.

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


def pool_ids(manifest: DataFrame) -> DataFrame:
    """Returns the ids by which DataComp's resharder knows the pairs: a pool's own, and the uids of other pairs.

    Args:
        manifest: Rows of `schemas.MANIFEST`.

    Returns:
        Rows of uid.

    Raises:
        UserError: A pool's id isn't a uid of DataComp's.
    """
    own = F.lower("source_id")
    other = manifest.filter((F.col("source_id") != "") & ~own.rlike(_UID)).select("source_id").limit(1).collect()
    if other:
        raise UserError(
            f"the pool's id {other[0][0]!r} isn't 32 hex digits, as DataComp's uids are: write ids with --format ids"
        )
    return manifest.select(F.when(F.col("source_id") == "", F.col("uid")).otherwise(own).alias("uid"))


def prefix_digits(uids: int) -> int:
    """Returns the number of hex digits by which uids are divided into parts that a worker can sort."""
    digits = 0
    while uids > _UIDS_A_PART * 16**digits:
        digits += 1
    return digits


def write_uid_parts(uids: DataFrame, digits: int, folder: str, options: StorageOptions) -> list[tuple[str, int]]:
    """Writes uids as sorted arrays, one for each prefix of uids.

    Since uids are hashes, the parts have about the same size.

    Args:
        uids: Rows with uid.
        digits: Number of hex digits of a prefix.
        folder: Path or URL of the folder for the parts.
        options: Credentials and limits for writing them.

    Returns:
        The prefixes in order, and the number of uids of each.
    """
    rows = uids.select(F.substring("uid", 1, digits).alias("prefix"), "uid")
    sorted_rows = rows.repartition("prefix").sortWithinPartitions("prefix", "uid")
    return sorted(
        (row[0], row[1]) for row in sorted_rows.mapInArrow(_uid_writer(folder, options), _UID_PARTS).collect()
    )


def uid_part_name(prefix: str) -> str:
    """Returns the name of a prefix's part."""
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
    """Divides sorted rows of prefix and uid where the prefix changes."""
    for batch in batches:
        for prefix in batch.column(0).unique():
            yield prefix.as_py(), batch.filter(pc.equal(batch.column(0), prefix)).column(1)
