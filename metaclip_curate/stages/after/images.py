"""Matched pairs to images, each once with all its texts: what training with a draw an epoch needs."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_TEXT_COLUMNS = ("uid", "text", "lang", "metadata_lang", "entry_ids")


def images(matched: DataFrame) -> DataFrame:
    """Puts the texts of each image together.

    Args:
        matched: Rows of `schemas.MATCHED`.

    Returns:
        image_id, url, text (the first of its texts) and texts, an array of structs of uid, text, lang, metadata_lang
        and entry_ids, in the order of uid.
    """
    texts = F.sort_array(F.collect_list(F.struct(*_TEXT_COLUMNS)))
    # A URL fixes the image's id; should two ever share one, the smaller stands for both.
    grouped = matched.groupBy("image_id").agg(F.min("url").alias("url"), texts.alias("texts"))
    return grouped.select("image_id", "url", F.col("texts")[0]["text"].alias("text"), "texts")


def write_images(matched: DataFrame, folder: str, images_per_file: int = 250_000) -> None:
    """Writes the images in the order of their ids, which is a random one, since they are hashes.

    Args:
        matched: Rows of `schemas.MATCHED`.
        folder: Where to write, local or an object store's.
        images_per_file: How many a file has, about.
    """
    count = matched.select("image_id").distinct().count()
    files = max(1, round(count / images_per_file))
    ordered = images(matched).repartitionByRange(files, "image_id").sortWithinPartitions("image_id")
    ordered.write.mode("overwrite").option("compression", "zstd").parquet(folder)
