"""Images as bytes: workers crop and resize, the device normalises.

A byte is a quarter of a float, so a quarter of the memory travels from the workers to the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import Compose, Normalize, RandomResizedCrop

from metaclip_curate.errors import UserError

Decoder = Literal["pil", "torch"]


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
            is faster; bytes differ from Pillow's by rounding.

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
        self._parts = list(parts)

    def __call__(self, image: Image.Image) -> Tensor:
        """Returns the bytes of the crop, shape (height, width, 3)."""
        for part in self._parts:
            image = part(image)
        return torch.from_numpy(np.array(image))


class TorchCrop:
    """Crops and resizes bytes with torch's antialiased bicubic filter.

    The crop is the same as with Pillow. Where both resize 340 x 256 pixels to 224, a byte differs from Pillow's by at
    most 2.

    Args:
        crop: open_clip's crop.
    """

    def __init__(self, crop: RandomResizedCrop) -> None:
        self._crop, self._size = crop, list(crop.size)

    def __call__(self, image: Image.Image) -> Tensor:
        """Returns the bytes of the crop, shape (height, width, 3)."""
        crop = self._crop
        channels_first = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        top, left, height, width = crop.get_params(channels_first, list(crop.scale), list(crop.ratio))
        cropped = channels_first[None, :, top : top + height, left : left + width]
        resized = torch.nn.functional.interpolate(cropped, self._size, mode="bicubic", antialias=True)
        return resized[0].permute(1, 2, 0)
