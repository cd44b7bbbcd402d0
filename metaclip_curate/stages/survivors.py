"""A manifest and its download to the pairs whose image was fetched."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.schemas import MATCHED

# img2dataset's word for an image that it wrote; its words for the others are reported as they are.
SUCCESS = "success"
# Of pairs that are in no file: a sample whose download broke unexpectedly is written nowhere.
MISSING = "missing"
# Of pairs that go because another one has the same image.
EQUAL_IMAGE = "equal_image"

_DOWNLOAD = "uid string, status string, sha256 string"


def download_columns(spark: SparkSession, folder: str) -> list[str]:
    """Names the columns of the Parquet files that img2dataset put beside its shards."""
    return spark.read.option("pathGlobFilter", "*.parquet").parquet(folder).columns


def read_outcomes(spark: SparkSession, folders: Sequence[str]) -> DataFrame:
    """Reads what became of each pair.

    Args:
        spark: The session.
        folders: img2dataset's output: NNNNN.parquet beside the shards, with uid among the saved columns.

    Returns:
        uid, status and sha256, each uid once. One that was tried more than once counts as fetched if it ever was, with
        the smallest of its sha256; otherwise with the first of its states in the order of the alphabet.
    """
    rows = spark.read.schema(_DOWNLOAD).option("pathGlobFilter", "*.parquet").parquet(*folders)
    fetched = F.col("status") == SUCCESS
    once = rows.filter(F.col("uid").isNotNull()).groupBy("uid")
    found = once.agg(
        F.max(fetched).alias("fetched"),
        F.min(F.when(~fetched, F.col("status"))).alias("failure"),
        F.min(F.when(fetched, F.col("sha256"))).alias("sha256"),
    )
    status = F.when(F.col("fetched"), F.lit(SUCCESS)).otherwise(F.col("failure"))
    return found.select("uid", status.alias("status"), "sha256")


def verdicts(manifest: DataFrame, outcomes: DataFrame) -> DataFrame:
    """Says of each pair what became of it.

    Args:
        manifest: Rows with uid.
        outcomes: From `read_outcomes`.

    Returns:
        uid, in_manifest, status and sha256, of all uids of either.
    """
    listed = manifest.select("uid", F.lit(True).alias("in_manifest"))
    return listed.join(outcomes, "uid", "full_outer").select(
        "uid",
        F.coalesce("in_manifest", F.lit(False)).alias("in_manifest"),
        F.coalesce("status", F.lit(MISSING)).alias("status"),
        "sha256",
    )


def without_equal_images(judged: DataFrame) -> DataFrame:
    """Keeps of the pairs with equal image files the one with the smallest uid.

    A uid is a hash of URL and text, so that the choice favours no site, language or entry, and the next draw, another
    hash, doesn't depend on it.

    Args:
        judged: From `verdicts`.

    Returns:
        The same rows; the others of an image have the status EQUAL_IMAGE. Where there is no sha256, all stay.
    """
    # An image that thousands of pairs share, a placeholder, is aggregated before it is shuffled; then uids are joined,
    # of which no two are equal.
    compared = F.col("in_manifest") & (F.col("status") == SUCCESS) & F.col("sha256").isNotNull()
    firsts = judged.filter(compared).groupBy("sha256").agg(F.min("uid").alias("uid"))
    marked = judged.join(firsts.select("uid", F.lit(True).alias("first")), "uid", "left")
    status = F.when(compared & F.col("first").isNull(), F.lit(EQUAL_IMAGE)).otherwise(F.col("status"))
    return marked.select("uid", "in_manifest", status.alias("status"), "sha256")


def survivors(manifest: DataFrame, judged: DataFrame) -> DataFrame:
    """Takes the manifest's pairs whose image was fetched.

    Args:
        manifest: Rows of `schemas.MANIFEST`.
        judged: From `verdicts`.

    Returns:
        Rows of `schemas.MATCHED`, sorted in each file by language, which balancing takes one at a time.
    """
    fetched = judged.filter(F.col("in_manifest") & (F.col("status") == SUCCESS)).select("uid")
    rows = manifest.join(fetched, "uid", "left_semi").select(*MATCHED.names)
    return rows.sortWithinPartitions("metadata_lang", "uid")
