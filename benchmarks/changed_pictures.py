"""Made pictures, each changed in the ways in which copies on the web differ, and how far their PDQ hashes then are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image, ImageDraw, ImageOps

from metaclip_curate.images.fingerprint import picture_hash
from metaclip_curate.screens.hash_search import Bytes, HashIndex, hash_bytes
from tests.support.pictures import encoded, picture

DISTANCE = 31


def _cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 40, height // 40, width - width // 40, height - height // 40))


def _captioned(image: Image.Image) -> Image.Image:
    """Writes a line of text on a bar below the picture, of a tenth of its height."""
    width, height = image.size
    whole = Image.new("RGB", (width, height + height // 10), (255, 255, 255))
    whole.paste(image)
    ImageDraw.Draw(whole).text((8, height + 4), "A caption that somebody has put below the picture", (0, 0, 0))
    return whole


def _written_on(image: Image.Image) -> Image.Image:
    """Writes a line of text on the picture."""
    written = image.copy()
    ImageDraw.Draw(written).text((12, image.height - 30), "somebody's name, 2025", (255, 255, 255), font_size=20)
    return written


CHANGES: Mapping[str, Callable[[Image.Image], bytes]] = {
    "encoded again, JPEG quality 50": lambda image: encoded(image, quality=50),
    "half the size": lambda image: encoded(image.resize((image.width // 2, image.height // 2))),
    "cropped by 5 %": lambda image: encoded(_cropped(image)),
    "mirrored": lambda image: encoded(ImageOps.mirror(image)),
    "text on the picture": lambda image: encoded(_written_on(image)),
    "a bar with text below it": lambda image: encoded(_captioned(image)),
}


@dataclass(frozen=True)
class ChangeResult:
    """How a kind of change moves hashes.

    Attributes:
        name: The change.
        recall: Share of pictures whose changed copy is found by the original.
        precision: Share of the found copies' nearest originals that are the right ones; not a number if none is found.
        median: Median distance between a picture and its copy.
    """

    name: str
    recall: float
    precision: float
    median: float


def changes(number: int) -> list[ChangeResult]:
    """Returns the result of each change.

    Args:
        number: Number of pictures.
    """
    pictures = [picture(seed) for seed in range(number)]
    originals = _hashes([encoded(image) for image in pictures])
    index = HashIndex(originals)
    results = []
    for name, change in CHANGES.items():
        changed = _hashes([change(image) for image in pictures])
        found = index.nearest(changed, DISTANCE).known
        apart = _different_bits(originals, changed)
        right, near = int((found == np.arange(number)).sum()), int((found >= 0).sum())
        precision = right / near if near else math.nan
        results.append(ChangeResult(name, float((apart <= DISTANCE).mean()), precision, float(np.median(apart))))
    return results


def _hashes(files: list[bytes]) -> Bytes:
    return hash_bytes(pa.array([picture_hash(data).pdq for data in files], pa.string()))


def _different_bits(one: Bytes, other: Bytes) -> npt.NDArray[np.int64]:
    bits: npt.NDArray[np.int64] = np.unpackbits(one ^ other, axis=1).sum(axis=1, dtype=np.int64)
    return bits
