"""Images with all of their matched texts, for training that draws anew in each epoch."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_TEXT_COLUMNS = ("uid", "text", "lang", "metadata_lang", "entry_ids")


def images(matched: DataFrame) -> DataFrame:
    """Groups matched pairs by image.

    Args:
        matched: Rows of `schemas.MATCHED`.

    Returns:
        Rows of image_id, url, text (the first of its texts) and texts, an array of structs of uid, text, lang,
        metadata_lang and entry_ids, in the order of uid.
    """
    texts = F.sort_array(F.collect_list(F.struct(*_TEXT_COLUMNS)))
    # The id is a hash of the URL; should two URLs ever have the same id, the smaller one is used.
    grouped = matched.groupBy("image_id").agg(F.min("url").alias("url"), texts.alias("texts"))
    return grouped.select("image_id", "url", F.col("texts")[0]["text"].alias("text"), "texts")


def write_images(matched: DataFrame, folder: str, images_per_file: int = 250_000) -> None:
    """Writes the images in the order of their ids, which is a random order, since they are hashes.

    Args:
        matched: Rows of `schemas.MATCHED`.
        folder: Path or URL of the folder.
        images_per_file: Approximate number of images in a file.
    """
    count = matched.select("image_id").distinct().count()
    files = max(1, round(count / images_per_file))
    ordered = images(matched).repartitionByRange(files, "image_id").sortWithinPartitions("image_id")
    ordered.write.mode("overwrite").option("compression", "zstd").parquet(folder)
