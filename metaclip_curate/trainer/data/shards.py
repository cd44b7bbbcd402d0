"""Shards of images and their texts, and the pairs that a data set yields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Indices = npt.NDArray[np.int64]

# One row for each text. The texts of an image are adjacent, and images are in the order in which the shard stores them.
TEXTS = pa.schema(
    [
        pa.field("image", pa.int64()),  # index of the image in `Shard.keys`
        pa.field("uid", pa.string()),  # 32 hex digits
        pa.field("text", pa.string()),
        pa.field("language", pa.string()),  # metadata_lang
        pa.field("entry_ids", pa.list_(pa.int32())),  # only in shards of matched pairs, which are drawn online
    ]
)


@dataclass(frozen=True)
class Shard:
    """Keys and texts of a shard, read without its images.

    Attributes:
        keys: Key of each image, by which `ImageReader.take` finds it.
        texts: Rows of `TEXTS`, or some of its columns.
    """

    keys: Sequence[str]
    texts: pa.Table


@dataclass(frozen=True)
class Pair:
    """An image and its text.

    Attributes:
        image: The image, or the result of the transform if the data set has one.
        text: The text.
        language: The metadata language.
        uid: 32 hex digits.
    """

    image: Any
    text: str
    language: str
    uid: str


class ImageReader(Protocol):
    """The images of one shard, read once from front to back."""

    def take(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Reads images, all of which come after those that were taken before.

        Returns:
            Bytes of the image files that were found, by key.
        """

    @property
    def problem(self) -> str:
        """The reason why images may be missing; empty if nothing went wrong."""

    def close(self) -> None:
        """Closes the shard."""


class ShardSource(Protocol):
    """A collection of shards. It is sent to worker processes, so it can be pickled and holds no open file."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the shards, in a fixed order."""

    @property
    def sizes(self) -> Indices:
        """Number of images of each shard, shape (shards,)."""

    @property
    def has_entries(self) -> bool:
        """Whether texts have the column entry_ids."""

    @property
    def remedy(self) -> str:
        """What a user can check if no image can be read."""

    def shard(self, index: int, columns: Sequence[str]) -> Shard:
        """Reads keys and texts of a shard, with these columns of `TEXTS`."""

    def open(self, index: int) -> ImageReader:
        """Opens the images of a shard."""
