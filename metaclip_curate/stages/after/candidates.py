"""Expected numbers of kept pairs and images for several candidate thresholds, from one pass over the matched pairs."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.after.expected_sums import (
    HEAD_TEXTS,
    SUMS,
    Expected,
    expectations,
    head_texts,
    head_texts_and_sums,
    summer,
)
from metaclip_curate.stages.after.joint_head import JointHead
from metaclip_curate.stages.sample import drawing_texts


def expected_kept(matched: DataFrame, head: JointHead, draw: DrawOptions, images: bool) -> list[Expected]:
    """Sums up the keep probabilities of all candidates in one pass.

    An image whose texts have keep probabilities p_i is kept by at least one of them with probability
    1 - product of (1 - p_i), since every text draws for itself. For that, an image's texts have to be in one partition,
    which takes a shuffle of image ids and entries. If one text of each image draws, images are pairs.

    Args:
        matched: Rows of `schemas.MATCHED`.
        head: Head from `joint_head`.
        draw: Seed of the draw, and whether one text of each image draws or all.
        images: Whether to sum up images as well.

    Returns:
        The exact expectations of each candidate, each rounded once, to float64; for pairs the same as those of
        `stages.balance`.
    """
    drawing = drawing_texts(matched.select("image_id", "uid", "metadata_lang", "entry_ids"), draw)
    texts = drawing.select("image_id", "metadata_lang", "entry_ids")
    if images and draw.texts_per_image == "all":
        shuffled = texts.mapInArrow(head_texts(head), ddl(HEAD_TEXTS)).repartition("image_id")
        # Sorted by positions as well, only equal rows can change places: products are the same to the last bit.
        ordered = shuffled.sortWithinPartitions("image_id", "language", "positions")
        parts = ordered.mapInArrow(summer(head, True), ddl(SUMS))
    else:
        parts = texts.mapInArrow(head_texts_and_sums(head), ddl(SUMS))
    sums = parts.groupBy("candidate", "language").agg(*(F.sum(name).alias(name) for name in SUMS.names[2:])).collect()
    return expectations(head, sums, images, draw)
