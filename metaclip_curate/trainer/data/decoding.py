"""Decoding of image files."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

from PIL import Image, UnidentifiedImageError

# Pillow's decoders raise all of these on damaged files. One file must not end an epoch.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


class BrokenImageError(Exception):
    """An image that can't be used; its message is the reason by which such images are counted."""


def decode(data: bytes, least_side: int = 0) -> Image.Image:
    """Decodes an image file.

    Args:
        data: Bytes of the file.
        least_side: Pixels that each side needs. A JPEG file that has more is decoded at a half, a quarter or an eighth
            of its size, as long as it keeps them. Default: 0, every file at its own size.

    Returns:
        The image in RGB, with transparent parts on white.

    Raises:
        BrokenImageError: The file isn't an image, is damaged, or has more pixels than Pillow considers safe.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata and sizes
            image = Image.open(io.BytesIO(data))
            if least_side:
                image.draft("RGB", (least_side, least_side))
            image.load()
            return _rgb(image)
    except Image.DecompressionBombError as error:
        raise BrokenImageError("too many pixels") from error
    except UnidentifiedImageError as error:
        raise BrokenImageError("not an image" if data else "empty") from error
    except _DAMAGED as error:
        truncated = "truncated" in str(error)
        raise BrokenImageError("truncated" if truncated else f"damaged ({type(error).__name__})") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        visible = image.convert("RGBA")
        white = Image.new("RGBA", visible.size, "white")
        return Image.alpha_composite(white, visible).convert("RGB")
    return image.convert("RGB")
