"""What a training draws from, images with one text or several each, in shards, and what it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate.errors import UserError

Places = npt.NDArray[np.int64]

# One row for every text of a shard's images, the texts of an image together, images in the order they are stored in.
TEXTS = pa.schema(
    [
        pa.field("image", pa.int64()),  # the image's place in `Shard.keys`
        pa.field("uid", pa.string()),  # 32 hex digits
        pa.field("text", pa.string()),
        pa.field("language", pa.string()),  # metadata_lang
        pa.field("entry_ids", pa.list_(pa.int32())),  # only what is drawn online has them
    ]
)


@dataclass(frozen=True)
class Shard:
    """What is known of a shard without reading its images.

    Attributes:
        keys: Of each image, what its bytes are asked for by.
        texts: Rows of `TEXTS`, or some of its columns.
    """

    keys: Sequence[str]
    texts: pa.Table


@dataclass(frozen=True)
class Pair:
    """A pair that a training learns from.

    Attributes:
        image: What the transform makes of the picture; the picture itself without one.
        text: The text.
        language: The metadata language.
        uid: 32 hex digits.
    """

    image: Any
    text: str
    language: str
    uid: str


@dataclass(frozen=True)
class Reading:
    """How samples are read and mixed; without influence on what an epoch holds.

    Attributes:
        lanes: Places of the epoch that are read at the same time, by all processes together; best a multiple of ranks x
            workers. 0: the smallest such multiple of at least 16.
        window: Samples of a shard that are shuffled together; a lane holds so many files in memory.
    """

    lanes: int = 0
    window: int = 256

    def __post_init__(self) -> None:
        if self.lanes < 0 or self.window < 1:
            raise UserError(f"lanes must be at least 0 and window at least 1, not {self.lanes} and {self.window}")


class ImageBytes(Protocol):
    """A shard's images, read once from front to back."""

    def take(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Reads images, which stand behind all that were taken before.

        Returns:
            The bytes of those that are there.
        """

    @property
    def problem(self) -> str:
        """Why images may be missing; empty where nothing is wrong."""

    def close(self) -> None:
        """Ends the reading."""


class Source(Protocol):
    """Where shards come from. It travels to workers, so it can be pickled and holds nothing open."""

    @property
    def names(self) -> Sequence[str]:
        """The shards' names, in an order that stays the same."""

    @property
    def sizes(self) -> Places:
        """Number of images of each shard, shape (shards,)."""

    def shard(self, number: int, columns: Sequence[str]) -> Shard:
        """Reads what is known of a shard, with these columns of `TEXTS`."""

    def open(self, number: int) -> ImageBytes:
        """Opens a shard's images."""
