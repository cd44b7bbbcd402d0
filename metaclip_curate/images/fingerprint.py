"""The fingerprint of an image: digests of its file, its PDQ hash, and its size.

PDQ is Meta's perceptual hash ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019): 256
bits, of which half are set, from the low frequencies of the picture's luminance. Pictures that look alike differ in
few bits; its authors take 31 of 256 as the largest distance of a match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from metaclip_curate.images.decoding import BrokenImageError, decode

if TYPE_CHECKING:
    from PIL import Image

# Larger pictures are first reduced to this, as ThreatExchange's own programs do.
_LONGEST_SIDE = 512


class PictureHash(NamedTuple):
    """What is computed of an image's pixels.

    Attributes:
        error: Why the file can't be decoded; empty if it can. The others are None then.
        pdq: PDQ hash, 64 hex digits.
        quality: Quality of the hash, from 0 to 100.
        width: Number of pixels.
        height: Number of pixels.
    """

    error: str
    pdq: str | None = None
    quality: int | None = None
    width: int | None = None
    height: int | None = None


def picture_hash(data: bytes) -> PictureHash:
    """Decodes an image's file and hashes its pixels.

    Args:
        data: Bytes of the file.
    """
    try:
        image = decode(data)
    except BrokenImageError as error:
        return PictureHash(str(error))
    pdq, quality = pdq_hash(image)
    return PictureHash("", pdq, quality, image.width, image.height)


def pdq_hash(image: Image.Image) -> tuple[str, int]:
    """Returns the PDQ hash of an image, and the hash's quality.

    Args:
        image: An image in RGB.
    """
    import pdqhash

    if max(image.size) > _LONGEST_SIDE:
        image = image.copy()
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    bits, quality = pdqhash.compute(np.asarray(image))
    return np.packbits(bits.astype(np.bool_)).tobytes().hex(), int(quality)
