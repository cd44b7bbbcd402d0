"""A classifier's scores of the images of a shard, in a table that later runs use again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.images.classifier import Classifier, ClassifierModel
from metaclip_curate.images.decoding import BrokenImageError, decode
from metaclip_curate.images.shard_tables import ShardTables
from metaclip_curate.images.stored_images import Shard, StoredImage, stored_images
from metaclip_curate.schemas import SCORES
from metaclip_curate.storage import StorageOptions

_AT_ONCE = 16


def score_tables(fingerprints: str, model: ClassifierModel, store: StorageOptions) -> ShardTables:
    """Returns the folder of a model's scores, which lies in that of the fingerprints.

    Args:
        fingerprints: Path or URL of the folder of fingerprints.
        model: The model, and how it is called.
        store: Credentials and limits for the folder.
    """
    named = json.dumps([hashlib.sha256(model.data).hexdigest(), model.label, model.mean, model.std])
    folder = f"_scores-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
    return ShardTables(storage.join(fingerprints, folder), SCORES, store)


def write_scores(shard: Shard, tables: ShardTables, classifier: Classifier, store: StorageOptions) -> int:
    """Writes the scores of a shard's images, in the order of its fingerprints.

    Args:
        shard: The shard.
        tables: The folder of scores.
        classifier: The classifier.
        store: Credentials and limits for reading the shard.

    Returns:
        Number of images.
    """
    rows: list[dict[str, Any]] = []
    for images in _batches(stored_images(shard, store)):
        rows += _scored(images, classifier)
    tables.write(shard, pa.Table.from_pylist(rows, schema=SCORES))
    return len(rows)


def _batches(images: Iterator[StoredImage]) -> Iterator[Sequence[StoredImage]]:
    while batch := list(islice(images, _AT_ONCE)):
        yield batch


def _scored(images: Sequence[StoredImage], classifier: Classifier) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"key": image.row["key"], "score": None} for image in images]
    decoded = []
    for row, image in zip(rows, images, strict=True):
        try:
            decoded.append((row, decode(image.data or b"")))
        except BrokenImageError:
            continue
    scores = classifier.scores([image for _, image in decoded])
    for (row, _), score in zip(decoded, scores.tolist(), strict=True):
        row["score"] = score
    return rows
