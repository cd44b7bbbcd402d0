"""Shards of made images with texts, as `metaclip-curate download` leaves them."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset
from PIL import Image

SHARDS = 16  # as many as there are streams, so that each is read once
_WORDS = ("dog", "bridge", "old city", "Venice", "snow", "red chair", "river")


def photo(number: int, width: int = 340, height: int = 256) -> bytes:
    """Returns a JPEG file that is about as long as a photograph's: noise of several scales."""
    random = np.random.default_rng(number)
    picture = np.zeros((height, width, 3))
    for scale in (4, 16, 64, 256):
        noise = random.normal(0, 60 / scale**0.5, (max(1, height * scale // 256), max(1, width * scale // 256), 3)) + 32
        image = Image.fromarray(noise.clip(0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
        picture += np.asarray(image)
    file = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=95)
    return file.getvalue()


def write_shards(folder: Path, images: int, shards: int = SHARDS, size: tuple[int, int] = (340, 256)) -> list[bytes]:
    """Writes shards as img2dataset does.

    Args:
        folder: The folder to fill.
        images: Number of images, a multiple of the number of shards.
        shards: Number of shards.
        size: Width and height of the images.

    Returns:
        The image files.
    """
    photos = [photo(number, *size) for number in range(min(images, 100))]
    files = [photos[number % len(photos)] for number in range(images)]
    of_shard = images // shards
    for shard in range(shards):
        rows = []
        with webdataset.TarWriter(str(folder / f"{shard:05d}.tar")) as tar:
            for index in range(of_shard):
                number = shard * of_shard + index
                text = (
                    f"{_WORDS[number % 7]} {_WORDS[number % 5]} and a picture of number {number}, {_WORDS[number % 3]}"
                )
                uid = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
                row = {"key": f"{shard:05d}{index:04d}", "status": "success", "uid": uid, "caption": text}
                row |= {"lang": "en", "metadata_lang": "en"}
                rows.append(row)
                tar.write({"__key__": row["key"], "jpg": files[number], "txt": text, "json": json.dumps(row).encode()})
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{shard:05d}.parquet")
    (folder / "sizes.json").write_text(json.dumps({f"{shard:05d}.tar": of_shard for shard in range(shards)}))
    return files
