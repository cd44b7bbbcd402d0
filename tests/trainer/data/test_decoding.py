"""Pictures of every kind become RGB, and what is none becomes a reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from metaclip_curate.trainer.data.decoding import BrokenImageError, decode


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_modes(mode: str) -> None:
    assert decode(encoded(Image.new(mode, (5, 3)))).mode == "RGB"


def test_cmyk_and_formats() -> None:
    assert decode(encoded(Image.new("CMYK", (5, 3)), "JPEG")).mode == "RGB"
    for kind in ("JPEG", "WEBP", "GIF", "BMP"):
        assert decode(encoded(Image.new("RGB", (5, 3), "red"), kind)).size == (5, 3)


def test_a_large_jpeg_at_a_part_of_its_size() -> None:
    large = Image.new("RGB", (400, 300), "red")
    sizes = {least: decode(encoded(large, "JPEG"), least).size for least in (0, 301, 151, 150, 75, 1)}
    assert sizes == {0: (400, 300), 301: (400, 300), 151: (400, 300), 150: (200, 150), 75: (100, 75), 1: (50, 38)}
    assert decode(encoded(large), 75).size == (400, 300)


def test_what_is_transparent_is_on_white() -> None:
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    assert [decode(encoded(image)).getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (10, 20, 30)]
    palette = Image.new("P", (1, 1), 0)
    assert decode(encoded_with_transparency(palette)).getpixel((0, 0)) == (255, 255, 255)


def encoded_with_transparency(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", transparency=0)
    return file.getvalue()


def test_more_pixels_than_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(encoded(Image.new("L", (10, 10)))).size == (10, 10)
    with pytest.raises(BrokenImageError, match="too many pixels"):
        decode(encoded(Image.new("L", (20, 20))))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_damage_anywhere_is_a_reason_or_a_picture(kind: str) -> None:
    data = encoded(Image.effect_noise((32, 32), 60).convert("RGB"), kind)
    random = np.random.default_rng(0)
    broken = 0
    for _ in range(150):
        octets = bytearray(data)
        for place in random.integers(0, len(octets), 4):
            octets[place] = int(random.integers(0, 256))
        cut = bytes(octets[: int(random.integers(1, len(octets) + 1))])
        try:
            assert decode(cut).mode == "RGB"
        except BrokenImageError as error:
            assert str(error)
            broken += 1
    assert broken
