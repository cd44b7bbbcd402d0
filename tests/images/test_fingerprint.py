"""Hashes of pictures, against what is known of PDQ, and files that are no pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from metaclip_curate.images.fingerprint import PictureHash, picture_hash
from tests.support.pictures import encoded, picture


def distance(one: PictureHash, other: PictureHash) -> int:
    assert one.pdq and other.pdq
    return (int(one.pdq, 16) ^ int(other.pdq, 16)).bit_count()


def test_the_hash_of_a_picture() -> None:
    found = picture_hash(encoded(picture(1)))
    assert found.pdq and len(bytes.fromhex(found.pdq)) == 32
    assert int(found.pdq, 16).bit_count() == 128  # the bits above the median
    assert (found.error, found.width, found.height) == ("", 320, 256)
    assert found.quality == 100


def test_alike_pictures_are_near_and_others_are_not() -> None:
    image = picture(1)
    original = picture_hash(encoded(image))
    assert distance(original, picture_hash(encoded(image, "PNG"))) <= 4
    assert distance(original, picture_hash(encoded(image, quality=30))) <= 16
    assert distance(original, picture_hash(encoded(image.resize((200, 160))))) <= 16
    assert distance(original, picture_hash(encoded(image.resize((2000, 1600))))) <= 16
    assert distance(original, picture_hash(encoded(picture(2)))) > 80


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (64, 64)])
def test_flat_pictures_have_a_hash_of_quality_0(size: tuple[int, int]) -> None:
    found = picture_hash(encoded(Image.new("RGB", size, (250, 250, 250)), "PNG"))
    assert (found.error, found.quality) == ("", 0)
    assert (found.width, found.height) == size


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16", "CMYK"])
def test_modes(mode: str) -> None:
    form = "TIFF" if mode == "CMYK" else "PNG"
    grey = np.asarray(picture(3).convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    assert picture_hash(encoded(image, form)).error == ""


@pytest.mark.slow
def test_of_an_animation_the_first_frame() -> None:
    out = io.BytesIO()
    frames = [picture(seed).quantize() for seed in (4, 5)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    found = picture_hash(out.getvalue())
    assert distance(found, picture_hash(encoded(picture(4)))) < 40


def test_files_that_are_no_whole_picture() -> None:
    jpeg, png = encoded(picture(6)), encoded(picture(6), "PNG")
    assert picture_hash(b"").error == "empty file"
    assert picture_hash(b"<html>").error == "no image format that Pillow knows"
    for data in (jpeg[: len(jpeg) // 2], png[: len(png) // 2], png[:60] + b"\0" * 40 + png[100:]):
        assert picture_hash(data) == PictureHash("cut off or damaged")


def test_a_file_with_too_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metaclip_curate.images.decoding.MAX_PIXELS", 1000)
    assert picture_hash(encoded(picture(7))).error == "more than 1,000 pixels"
