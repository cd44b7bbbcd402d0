"""Decoding and resizing images with Pillow, which unlike OpenCV refuses files that end early."""

from __future__ import annotations

import importlib.util
import io
import warnings
from typing import TYPE_CHECKING

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.images.fetch import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

_EXTRA = {"pdqhash": "pdqhash", "PIL": "pillow", "onnxruntime": "onnxruntime"}


class BrokenImageError(Exception):
    """A file that isn't a whole image; the message is the reason."""


def require_packages(*modules: str) -> None:
    """Checks that packages of the extra `images` are installed.

    Args:
        modules: Names under which they are imported.

    Raises:
        UserError: One isn't.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise UserError(f"{_EXTRA[module]} is missing: {install_extra('images')}")


def decode(data: bytes) -> Image.Image:
    """Decodes a file; of an animation, its first frame.

    Args:
        data: Bytes of the file.

    Returns:
        The image in RGB. A colour below full transparency shows, as in the decoders that training uses.

    Raises:
        BrokenImageError: The file isn't a whole image, or has more pixels than `download` accepts.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise BrokenImageError("empty file")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BrokenImageError(f"more than {MAX_PIXELS:,} pixels")
            return image.convert("RGB")
    except BrokenImageError:
        raise
    except UnidentifiedImageError:
        raise BrokenImageError("no image format that Pillow knows") from None
    except Image.DecompressionBombError:
        raise BrokenImageError(f"more than {MAX_PIXELS:,} pixels") from None
    except Exception as error:  # what decoders raise at damaged bytes has no common class: OSError, SyntaxError, ...
        raise BrokenImageError("cut off or damaged") from error


def blank(width: int, height: int) -> Image.Image:
    """Returns a black image.

    Args:
        width: Number of pixels.
        height: Number of pixels.
    """
    from PIL import Image

    return Image.new("RGB", (width, height))


def fit(image: Image.Image, width: int, height: int) -> Image.Image:
    """Resizes an image until it covers a rectangle, and cuts out the middle.

    Args:
        image: The image.
        width: Number of pixels.
        height: Number of pixels.
    """
    from PIL import ImageOps

    return ImageOps.fit(image, (width, height))
