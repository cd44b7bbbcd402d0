"""Made pictures that look different from one another, and downloads that contain them."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from tests.support import downloads


def picture(seed: int, size: tuple[int, int] = (320, 256)) -> Image.Image:
    """Returns a picture with a background that changes slowly, and shapes in the foreground."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8).astype(np.uint8))
    image = coarse.resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = random.integers(0, size[0]), random.integers(0, size[1])
        width, height = random.integers(size[0] // 10, size[0] // 2), random.integers(size[1] // 10, size[1] // 2)
        box = (int(x), int(y), int(x + width), int(y + height))
        fill = tuple(int(value) for value in random.integers(0, 256, 3))
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(box, fill)
    return image


def encoded(image: Image.Image, form: str = "JPEG", quality: int = 95) -> bytes:
    """Returns the bytes of an image's file."""
    out = io.BytesIO()
    image.save(out, form, quality=quality)
    return out.getvalue()


def write_download(
    folder: Path, images: Sequence[tuple[Mapping[str, Any], bytes | None]], a_shard: int = 100, form: str = "tar"
) -> None:
    """Writes shards as img2dataset does.

    Args:
        folder: The folder.
        images: Rows of a manifest, and the file of each image as it was fetched and stored; None for a failed one.
        a_shard: Number of rows of a shard.
        form: "tar", or "jpg" for tables with a column of that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for shard, start in enumerate(range(0, len(images), a_shard)):
        rows = []
        with tarfile.open(folder / f"{shard:05d}.tar", "w") as tar:
            for number, (row, data) in enumerate(images[start : start + a_shard]):
                sample = downloads.sample(
                    dict(row), number, "success" if data is not None else "failed_to_download", ""
                )
                sample |= {"sha256": hashlib.sha256(data).hexdigest() if data is not None else None}
                rows.append(sample | {"original_width": None, "original_height": None, "jpg": data})
                member = tarfile.TarInfo(f"{sample['key']}.jpg")
                if data is not None:
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
        schema = downloads.SCHEMA.append(pa.field("jpg", pa.binary()))
        table = pa.Table.from_pylist(rows, schema=schema)
        if form == "tar":
            table = table.drop_columns(["jpg"])
        else:
            (folder / f"{shard:05d}.tar").unlink()
        pq.write_table(table, folder / f"{shard:05d}.parquet")
        digests = hashlib.sha256(b"".join(data or b"" for _, data in images[start : start + a_shard]))
        (folder / f"{shard:05d}_stats.json").write_text(f'{{"end_time": "{digests.hexdigest()}"}}')
