"""Images as bytes: workers crop and resize, the device normalises.

A byte is a quarter of a float, so a quarter of the memory travels from the workers to the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import Compose, Normalize, RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from metaclip_curate.errors import UserError

Decoder = Literal["pil", "torch"]
_TRIES = 10


@dataclass(frozen=True)
class Normalization:
    """The mean and deviation of each channel, by which a model's input is normalised.

    Attributes:
        mean: Means of red, green and blue, from 0 to 1.
        std: Standard deviations.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """Normalises bytes, shape (images, height, width, 3), to floats, shape (images, 3, height, width).

        The operations and their order are those of torchvision's ToTensor and Normalize, so that the bits are the same.
        """
        mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (self.mean, self.std))
        pixels = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        return pixels.div_(255).sub_(mean).div_(std)


def split_transform(
    transform: Any, name: str, decoder: Decoder
) -> tuple[Callable[[Image.Image], Tensor], Normalization]:
    """Splits open_clip's training transform into a part for the workers and one for the device.

    Args:
        transform: A crop and others from image to image, ToTensor and Normalize.
        name: Name of the model.
        decoder: pil keeps open_clip's crop. torch computes it with torch's antialiased bicubic filter on bytes, which
            is faster; bytes differ from Pillow's by rounding, and more for large images.

    Returns:
        Function from an image to its bytes, shape (height, width, 3), and the normalisation of a batch.

    Raises:
        UserError: The transform has other parts.
    """
    parts: Sequence[Any] = transform.transforms if isinstance(transform, Compose) else ()
    if len(parts) < 3 or not isinstance(parts[-1], Normalize) or "ToTensor" not in type(parts[-2]).__name__:
        raise UserError(f"{name} has a transform of its own, which isn't supported: choose another model")
    normalization = Normalization(tuple(parts[-1].mean), tuple(parts[-1].std))
    if decoder == "torch":
        if len(parts) > 4 or not isinstance(parts[0], RandomResizedCrop):
            raise UserError(f"{name} has more in its transform than a crop: give --decoder pil")
        return TorchCrop(parts[0]), normalization
    return PillowCrop(parts[:-2]), normalization


class PillowCrop:
    """Crops and resizes with Pillow, by the transforms of open_clip.

    Args:
        parts: Functions from image to image.
    """

    def __init__(self, parts: Sequence[Callable[[Any], Any]]) -> None:
        self._parts = [RandomCrop(part) if type(part) is RandomResizedCrop else part for part in parts]

    def __call__(self, image: Image.Image) -> Tensor:
        """Returns the bytes of the crop, shape (height, width, 3)."""
        for part in self._parts:
            image = part(image)
        return torch.from_numpy(np.array(image))


class RandomCrop:
    """torchvision's random crop of a Pillow image, with the box of `random_box`.

    Args:
        crop: The crop.
    """

    def __init__(self, crop: RandomResizedCrop) -> None:
        self._crop = crop

    def __call__(self, image: Image.Image) -> Image.Image:
        """Returns the crop, resized to the model's size."""
        box, crop = random_box(self._crop, image.height, image.width), self._crop
        resized: Image.Image = resized_crop(image, *box, crop.size, crop.interpolation, crop.antialias)
        return resized


class TorchCrop:
    """Crops and resizes bytes with torch's antialiased bicubic filter.

    The crop is the same as with Pillow. Where both resize 340 x 256 pixels to 224, a byte differs from Pillow's by at
    most 2. JPEG files of at least four times the model's size are decoded at a part of theirs, of which twice the
    model's size is left.

    Args:
        crop: open_clip's crop.

    Attributes:
        least_side: Pixels that each side of an image is decoded to at least, if it has them.
    """

    def __init__(self, crop: RandomResizedCrop) -> None:
        self._crop, self._size = crop, list(crop.size)
        self.least_side = 2 * max(self._size)

    def __call__(self, image: Image.Image) -> Tensor:
        """Returns the bytes of the crop, shape (height, width, 3)."""
        channels_first = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        top, left, height, width = random_box(self._crop, image.height, image.width)
        cropped = channels_first[None, :, top : top + height, left : left + width]
        resized = torch.nn.functional.interpolate(cropped, self._size, mode="bicubic", antialias=True)
        return resized[0].permute(1, 2, 0)


def random_box(crop: RandomResizedCrop, height: int, width: int) -> tuple[int, int, int, int]:
    """Draws the box that torchvision draws from the same random numbers, in a third of the time.

    The share of the area and the aspect ratio are drawn until a box fits into the image, at most ten times.

    Args:
        crop: The crop, with its ranges of shares and ratios.
        height: Height of the image in pixels.
        width: Width of the image in pixels.

    Returns:
        Top, left, height and width.
    """
    (least, most), (narrow, wide) = crop.scale, crop.ratio
    lowest, highest = torch.log(torch.tensor([narrow, wide])).tolist()
    drawn = torch.empty(1)
    for _ in range(_TRIES):
        area = height * width * drawn.uniform_(least, most).item()
        ratio = drawn.uniform_(lowest, highest).exp_().item()
        of_width, of_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < of_width <= width and 0 < of_height <= height:
            top, left = (int(torch.randint(0, free + 1, (1,))) for free in (height - of_height, width - of_width))
            return top, left, of_height, of_width
    # The largest box in the middle whose ratio is allowed.
    of_width = min(width, round(height * wide))
    of_height = min(height, round(width / narrow))
    return (height - of_height) // 2, (width - of_width) // 2, of_height, of_width
