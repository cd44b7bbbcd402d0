"""The pairs of a manifest whose images were downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.errors import UserError
from metaclip_curate.schemas import MATCHED, SCREENED_IMAGES, Kept, ddl, with_kept
from metaclip_curate.stages import match
from metaclip_curate.stages.shared.parquet_files import Layout
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_table, open_parquet

# img2dataset's status of an image that it has written; its other statuses are reported as they are.
SUCCESS = "success"
# Status of pairs that are in no file: img2dataset doesn't write samples on which it raised an exception.
MISSING = "missing"
# Status of pairs that are left out because another pair has the same image file.
EQUAL_IMAGE = "equal_image"

SCREENED_IMAGES_LAYOUT = Layout(
    SCREENED_IMAGES, repeating=(*match.LAYOUT.repeating, "reason"), statistics=match.LAYOUT.statistics
)

_OUTCOMES = pa.schema([("uid", pa.string()), ("status", pa.string()), ("sha256", pa.string())])
_REMEDIES = {
    "uid": "download again with --save_additional_columns '[\"uid\"]'",
    "status": "name the folder that img2dataset wrote",
    "sha256": "download again with --compute_hash sha256, or leave --drop-equal-images out",
}
_DAMAGED = "let img2dataset finish or redo that shard, or remove the file, which counts its samples as missing"
_MOST_TASKS = 4096

Batches = Iterator[pa.RecordBatch]


def read_outcomes(
    spark: SparkSession, files: Sequence[str], needed: Sequence[str], options: StorageOptions
) -> DataFrame:
    """Reads the status of each pair from img2dataset's files.

    The workers read the files with Arrow, since Spark's reader assumes the types of one file for all of them, and
    refuses a column whose type is null.

    Args:
        spark: The session.
        files: img2dataset's NNNNN.parquet beside the shards, with uid among the saved columns.
        needed: Those of uid, status and sha256 that each file must have; the others are null if they are missing.
        options: Credentials and limits for reading the files.

    Returns:
        Rows of uid, status and sha256, one for each uid. A uid that was requested more than once counts as fetched if
        it was fetched at least once, with the smallest sha256; otherwise it has the alphabetically first status. When
        the rows are computed, a worker raises a UserError for a file that can't be used.
    """
    tasks = min(len(files), _MOST_TASKS)
    numbered = spark.createDataFrame(
        [(number % tasks, file) for number, file in enumerate(files)], "task int, file string"
    )
    rows = shuffle_to_partitions(numbered, tasks, "task").mapInArrow(_reader(needed, options), ddl(_OUTCOMES))
    fetched = F.col("status") == SUCCESS
    once = rows.filter(F.col("uid").isNotNull()).groupBy("uid")
    found = once.agg(
        F.max(fetched).alias("fetched"),
        F.min(F.when(~fetched, F.col("status"))).alias("failure"),
        F.min(F.when(fetched, F.col("sha256"))).alias("sha256"),
    )
    status = F.when(F.col("fetched"), F.lit(SUCCESS)).otherwise(F.col("failure"))
    return found.select("uid", status.alias("status"), "sha256")


def _reader(needed: Sequence[str], options: StorageOptions) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        for batch in batches:
            for file in batch.column(0).to_pylist():
                yield from outcomes_of(file, needed, options).to_batches()

    return read


def outcomes_of(file: str, needed: Sequence[str], options: StorageOptions) -> pa.Table:
    """Reads one of img2dataset's files.

    Args:
        file: Path or URL of the file.
        needed: Columns that it must have.
        options: Credentials and limits for reading it.

    Raises:
        UserError: The file is damaged, or lacks a needed column.
    """
    with open_parquet(file, options, _DAMAGED, _OUTCOMES.names) as table:
        present = [name for name in _OUTCOMES.names if name in table.schema_arrow.names]
        for name in needed:
            if name not in present:
                raise UserError(f"{file} has no column {name}: {_REMEDIES[name]}")
        return cast_table(table.read(present), _OUTCOMES, file)


def pair_outcomes(manifest: DataFrame, outcomes: DataFrame) -> DataFrame:
    """Joins a manifest with the statuses of its pairs.

    Args:
        manifest: Rows with uid.
        outcomes: Rows from `read_outcomes`.

    Returns:
        Rows of uid, in_manifest, status and sha256, of all uids in either.
    """
    listed = manifest.select("uid", F.lit(True).alias("in_manifest"))
    return listed.join(outcomes, "uid", "full_outer").select(
        "uid",
        F.coalesce("in_manifest", F.lit(False)).alias("in_manifest"),
        F.coalesce("status", F.lit(MISSING)).alias("status"),
        "sha256",
    )


def without_equal_images(judged: DataFrame) -> DataFrame:
    """Keeps one of the pairs with equal image files: the one with the smallest uid.

    A uid is a hash of URL and text, so that this favours no site, language or entry, and is independent of the next
    draw, which is another hash.

    Args:
        judged: Rows from `pair_outcomes`.

    Returns:
        The same rows, where the other pairs of an image have the status EQUAL_IMAGE. Pairs without a sha256 stay.
    """
    # A placeholder image can have thousands of pairs. They are aggregated before the shuffle, and the join is on uids,
    # which are unique, so that no task gets all of them.
    compared = F.col("in_manifest") & (F.col("status") == SUCCESS) & F.col("sha256").isNotNull()
    firsts = judged.filter(compared).groupBy("sha256").agg(F.min("uid").alias("uid"))
    marked = judged.join(firsts.select("uid", F.lit(True).alias("first")), "uid", "left")
    status = F.when(compared & F.col("first").isNull(), F.lit(EQUAL_IMAGE)).otherwise(F.col("status"))
    return marked.select("uid", "in_manifest", status.alias("status"), "sha256")


def with_reasons(outcomes: DataFrame, rejected: DataFrame) -> DataFrame:
    """Gives the pairs that are rejected for their image that reason as their status.

    Args:
        outcomes: Rows from `pair_outcomes`.
        rejected: Rows of uid and reason, each uid once.
    """
    joined = outcomes.join(rejected.select("uid", "reason"), "uid", "left")
    return joined.select("uid", "in_manifest", F.coalesce("reason", "status").alias("status"), "sha256")


def fetched_pairs(manifest: DataFrame, judged: DataFrame) -> DataFrame:
    """Returns the manifest's rows whose image was fetched.

    Args:
        manifest: Rows of `schemas.MANIFEST`.
        judged: Rows from `pair_outcomes`.
    """
    fetched = judged.filter(F.col("in_manifest") & (F.col("status") == SUCCESS)).select("uid")
    return manifest.join(fetched, "uid", "left_semi")


def downloaded_pairs(manifest: DataFrame, judged: DataFrame, kept: Kept = ()) -> DataFrame:
    """Returns the manifest's pairs whose image was fetched.

    Args:
        manifest: Rows of `schemas.MANIFEST`.
        judged: Rows from `pair_outcomes`.
        kept: The kept columns of a pool.

    Returns:
        Rows of `schemas.MATCHED` with the kept columns, sorted by language within partitions, since balancing holds one
        language at a time.
    """
    rows = fetched_pairs(manifest, judged).select(*with_kept(MATCHED, kept).names)
    return rows.sortWithinPartitions("metadata_lang", "uid")


def screened_pairs(manifest: DataFrame, rejected: DataFrame, kept: Kept = ()) -> DataFrame:
    """Returns the manifest's pairs that are rejected for their image.

    Args:
        manifest: Rows of `schemas.MANIFEST`.
        rejected: Rows of uid, reason and detail.
        kept: The kept columns of a pool.

    Returns:
        Rows of `schemas.SCREENED_IMAGES` with the kept columns.
    """
    rows = manifest.join(rejected, "uid").select(*with_kept(SCREENED_IMAGES, kept).names)
    return rows.sortWithinPartitions("metadata_lang", "uid")


def count_reasons(screened: DataFrame) -> dict[str, dict[str, int]]:
    """Returns the number of rejected pairs by language and reason.

    Args:
        screened: Rows of `schemas.SCREENED_IMAGES`.
    """
    counts: dict[str, dict[str, int]] = {}
    for language, reason, number in screened.groupBy("metadata_lang", "reason").count().collect():
        counts.setdefault(language, {})[reason] = number
    return counts
