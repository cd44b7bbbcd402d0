"""Which pairs of a manifest are rejected for their image: screens of single images, and near duplicates.

What is decided about an image is decided about all pairs that have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.images.classifier import Classifier, ClassifierModel
from metaclip_curate.images.fingerprint_download import FOLDER
from metaclip_curate.images.scores import write_scores
from metaclip_curate.images.shard_tables import ShardTables
from metaclip_curate.images.stored_images import Shard
from metaclip_curate.schemas import ddl
from metaclip_curate.screens.image_screens import PASSED, SCORE, ImageScreens
from metaclip_curate.screens.reasons import IMAGE_REASONS
from metaclip_curate.stages.shared.partitioning import numbered_tasks
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import location

_JUDGED = pa.schema([("uid", pa.string()), ("code", pa.int32()), ("detail", pa.string()), ("pdq", pa.string())])
_NEAR = IMAGE_REASONS.index("near_duplicate")
_MOST_TASKS = 4096

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class ShardSource:
    """A shard of a download, and what was computed of its images.

    Attributes:
        shard: The shard.
        fingerprints: The folder of its fingerprints.
        scores: The folder of its classifier's scores; None without a classifier.
    """

    shard: Shard
    fingerprints: ShardTables
    scores: ShardTables | None = None

    def read(self) -> pa.Table:
        """Returns rows of `schemas.FINGERPRINTS`, with the column `score` if there is a classifier.

        Raises:
            UserError: A table is missing, or older than the shard.
        """
        rows = self.read_fingerprints()
        if self.scores is None:
            return rows
        scores = self.scores.read(self.shard)
        if not scores.column("key").equals(rows.column("key")):
            raise UserError(
                f"{self.scores.url} has other images of {self.shard.name} than the fingerprints: remove that folder"
            )
        return rows.append_column(SCORE, scores.column(SCORE))

    def read_fingerprints(self) -> pa.Table:
        """Returns rows of `schemas.FINGERPRINTS`.

        Raises:
            UserError: The table is missing, or older than the shard.
        """
        url, folder = self.fingerprints.url, self.shard.folder
        output = "" if location(url) == location(storage.join(folder, FOLDER)) else f" --output {url}"
        remedy = f"run `metaclip-curate images fingerprint --downloaded {folder}{output}`"
        return self.fingerprints.read(self.shard, remedy)


def write_missing_scores(
    spark: SparkSession, sources: Sequence[ShardSource], model: ClassifierModel, store: StorageOptions
) -> int:
    """Lets the workers score the images of shards that have no scores.

    Args:
        spark: The session.
        sources: The shards.
        model: The classifier.
        store: Credentials and limits for the shards and their scores.

    Returns:
        Number of images that were scored.
    """
    tasks = min(len(sources), _MOST_TASKS)

    def write(batches: Batches) -> Batches:
        classifier = Classifier(model)
        for batch in batches:
            for task in batch.column(0).to_pylist():
                written = 0
                for source in sources[task::tasks]:
                    if source.scores is not None:
                        written += write_scores(source.shard, source.scores, classifier, store)
                yield pa.RecordBatch.from_arrays([pa.array([written])], names=["images"])

    rows = numbered_tasks(spark, tasks).mapInArrow(write, "images bigint").collect()
    return sum(row.images for row in rows)


def judged_images(spark: SparkSession, sources: Sequence[ShardSource], screens: ImageScreens) -> DataFrame:
    """Judges each downloaded image alone.

    Args:
        spark: The session.
        sources: The shards.
        screens: The screens.

    Returns:
        Rows of uid, code (position in `IMAGE_REASONS`, or -1), detail and pdq.
    """
    tasks = min(len(sources), _MOST_TASKS)

    def judge(batches: Batches) -> Batches:
        for batch in batches:
            for task in batch.column(0).to_pylist():
                for source in sources[task::tasks]:
                    rows = source.read()
                    found = screens.judge(rows)
                    columns = [rows.column("uid"), pa.array(found.codes), pa.array(found.details), rows.column("pdq")]
                    yield from pa.table(columns, schema=_JUDGED).to_batches()

    return numbered_tasks(spark, tasks).mapInArrow(judge, ddl(_JUDGED)).filter(F.col("uid").isNotNull())


def image_verdicts(fetched: DataFrame, judged: DataFrame) -> DataFrame:
    """Combines what was found about the pairs of each image.

    Args:
        fetched: Rows of uid and image_id: the pairs whose image was fetched.
        judged: Rows from `judged_images`.

    Returns:
        Rows of image_id, uid (the smallest), code (null if it passes), detail, pdq (that of the smallest uid with one)
        and unknown (whether a pair has no fingerprint).
    """
    joined = fetched.join(judged, "uid", "left")
    rejected = F.min(F.when(F.col("code") > PASSED, F.struct("code", "uid", "detail")))
    hashed = F.min(F.when(F.col("pdq").isNotNull(), F.struct("uid", "pdq")))
    grouped = joined.groupBy("image_id").agg(
        F.min("uid").alias("uid"),
        rejected.alias("rejected"),
        hashed.alias("hashed"),
        F.max(F.col("code").isNull()).alias("unknown"),
    )
    return grouped.select("image_id", "uid", "rejected.code", "rejected.detail", "hashed.pdq", "unknown")


def hashes_to_compare(images: DataFrame) -> DataFrame:
    """Returns the smallest uid of each hash among the images that no screen before `near_duplicate` rejects.

    Of images with equal hashes all others are near duplicates of that one, so that the hash of blank pictures is
    compared once.

    Args:
        images: Rows from `image_verdicts`.

    Returns:
        Rows of pdq and uid.
    """
    return _compared(images).groupBy("pdq").agg(F.min("uid").alias("uid"))


def with_near_duplicates(images: DataFrame, firsts: DataFrame, found: DataFrame) -> DataFrame:
    """Adds the reason `near_duplicate`.

    Args:
        images: Rows from `image_verdicts`.
        firsts: Rows from `hashes_to_compare`.
        found: Rows of uid, other and distance about these, from `near_duplicates`.

    Returns:
        Rows as of `image_verdicts`.
    """
    of_hash = firsts.withColumnRenamed("uid", "first").join(found.withColumnRenamed("uid", "first"), "first", "left")
    of_hash = of_hash.select("pdq", "first", "other", "distance")
    equal = F.when(F.col("first") < F.col("uid"), F.struct(F.col("first").alias("other"), F.lit(0).alias("distance")))
    near = F.when(F.col("other").isNotNull(), F.struct("other", "distance"))
    compared = _compared(images).join(of_hash, "pdq").select("image_id", F.least(equal, near).alias("nearest"))
    joined = images.join(compared.filter(F.col("nearest").isNotNull()), "image_id", "left")
    words = F.concat(F.col("nearest.distance"), F.lit(" bits from the image of "), F.col("nearest.other"))
    is_near = F.col("nearest").isNotNull()
    return joined.select(
        "image_id",
        "uid",
        F.when(is_near, F.lit(_NEAR)).otherwise(F.col("code")).alias("code"),
        F.when(is_near, words).otherwise(F.col("detail")).alias("detail"),
        "pdq",
        "unknown",
    )


def rejected_pairs(fetched: DataFrame, images: DataFrame) -> DataFrame:
    """Returns the pairs of the rejected images.

    Args:
        fetched: Rows of uid and image_id.
        images: Rows from `image_verdicts` or `with_near_duplicates`.

    Returns:
        Rows of uid, reason and detail.
    """
    names = F.array(*map(F.lit, IMAGE_REASONS))
    rejected = images.filter(F.col("code").isNotNull())
    named = rejected.select("image_id", F.element_at(names, F.col("code") + 1).alias("reason"), "detail")
    return fetched.join(named, "image_id").select("uid", "reason", "detail")


def _compared(images: DataFrame) -> DataFrame:
    """Returns the images that no screen before `near_duplicate` rejects and that have a hash."""
    passes = F.col("code").isNull() | (F.col("code") > _NEAR)
    return images.filter(passes & F.col("pdq").isNotNull())
