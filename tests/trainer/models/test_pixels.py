"""Bytes that are normalised on the device are open_clip's floats, and torch's crop is Pillow's but for rounding."""

from __future__ import annotations

import io

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torchvision.transforms import Compose, RandomResizedCrop

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.data.decoding import decode
from metaclip_curate.trainer.data.workers import torch_seed
from metaclip_curate.trainer.models.pixels import random_box, split_transform


def photo(width: int = 340, height: int = 256) -> Image.Image:
    """Noise of several scales."""
    random, picture = np.random.default_rng(3), np.zeros((height, width, 3))
    for scale in (4, 32, 256):
        noise = random.normal(60, 60, (max(1, height * scale // 256), max(1, width * scale // 256), 3)) / 1.5
        image = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
        picture += np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def transform() -> Compose:
    return open_clip.image_transform(224, is_train=True, aug_cfg={"scale": (0.9, 1.0)})


def test_bytes_become_open_clips_floats_bit_for_bit(transform: Compose) -> None:
    crop, normalize = split_transform(transform, "model", "pil")
    with torch_seed(5):
        expected = transform(photo())
    with torch_seed(5):
        pixels = crop(photo())
    assert (pixels.dtype, tuple(pixels.shape)) == (torch.uint8, (224, 224, 3))
    found = normalize(pixels[None])
    assert found.is_contiguous()
    assert torch.equal(found[0], expected)


@pytest.mark.parametrize("size", [(340, 256), (256, 256), (500, 900), (224, 230), (100, 120)])
def test_torchs_crop_differs_by_rounding(transform: Compose, size: tuple[int, int]) -> None:
    found = []
    for decoder in ("pil", "torch"):
        crop, _ = split_transform(transform, "model", decoder)  # type: ignore[arg-type]
        with torch_seed(7):
            found.append(crop(photo(*size)).int())
    difference = (found[0] - found[1]).abs()
    assert int(difference.max()) <= 2
    assert float((difference > 0).float().mean()) < 0.2


@pytest.mark.parametrize("scale", [(0.9, 1.0), (0.08, 1.0)])
def test_boxes_are_torchvisions(scale: tuple[float, float]) -> None:
    crop = RandomResizedCrop(224, scale)
    found = set()
    for number, (width, height) in enumerate([(340, 256), (256, 256), (30, 400), (900, 31), (1, 1), (224, 168)] * 8):
        with torch_seed(number):
            expected = crop.get_params(Image.new("L", (width, height)), list(scale), list(crop.ratio))
            following = float(torch.rand(()))
        with torch_seed(number):
            assert random_box(crop, height, width) == tuple(expected), (number, width, height)
            assert float(torch.rand(())) == following
        found.add(tuple(expected))
    assert len(found) > 20


def test_torchs_crop_of_a_large_file_is_of_a_part_of_its_size(transform: Compose) -> None:
    file = io.BytesIO()
    photo(1200, 900).save(file, "JPEG", quality=95)
    found = []
    for decoder, size in (("pil", (1200, 900)), ("torch", (600, 450))):
        crop, _ = split_transform(transform, "model", decoder)  # type: ignore[arg-type]
        image = decode(file.getvalue(), getattr(crop, "least_side", 0))
        assert image.size == size
        with torch_seed(7):
            found.append(crop(image).int())
    assert float((found[0] - found[1]).abs().float().mean()) < 2


def test_other_transforms_are_refused(transform: Compose) -> None:
    with pytest.raises(UserError, match="model has a transform of its own"):
        split_transform(Compose(transform.transforms[:-1]), "model", "pil")
    grey = open_clip.image_transform(
        32, is_train=True, aug_cfg={"scale": (0.9, 1.0), "gray_scale_prob": 0.5, "color_jitter": None}
    )
    split_transform(grey, "model", "pil")
    with pytest.raises(UserError, match="more in its transform than a crop: give --decoder pil"):
        split_transform(grey, "model", "torch")
