"""Shards as img2dataset leaves them, made without a download: pictures of one colour that says which they are."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import webdataset
from PIL import Image

from metaclip_curate.schemas import MATCHED

TEXTS = {
    "en": "a dog in the snow",
    "de": "Straßenbahn über die Brücke",
    "ru": "кошка на окне",
    "ar": "قطة على النافذة",
    "th": "แมวบนหน้าต่าง",
    "zh": "窗台上的猫",
    "hi": "खिड़की पर बिल्ली",
    "ja": "窓辺の猫 🐈",
}
_LANGUAGES = tuple(TEXTS)
_TEXTS = pa.list_(pa.struct([MATCHED.field(name) for name in ("uid", "text", "metadata_lang", "entry_ids")]))


@dataclass(frozen=True)
class Made:
    """A pair that was put into a shard."""

    uid: str
    text: str
    language: str
    colour: tuple[int, int, int]


def uid_of(number: int) -> str:
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def made(number: int) -> Made:
    language = _LANGUAGES[number % len(_LANGUAGES)]
    colour = (number % 256, number // 256 % 256, 77)
    return Made(uid_of(number), f"{TEXTS[language]} {number}", language, colour)


def picture_of(colour: tuple[int, int, int], size: int = 8) -> Image.Image:
    return Image.new("RGB", (size, size), colour)


def png(colour: tuple[int, int, int], size: int = 8) -> bytes:
    file = io.BytesIO()
    picture_of(colour, size).save(file, "PNG")
    return file.getvalue()


def write(folder: Path, sizes: Sequence[int], files: Mapping[int, bytes] | None = None, failed: int = 0) -> list[Made]:
    """Writes shards.

    Args:
        folder: Where to.
        sizes: Number of images of each shard.
        files: By the number of a pair, another file than its picture.
        failed: Rows of each shard whose image wasn't fetched.

    Returns:
        The pairs, in the order of their numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pairs: list[Made] = []
    for shard, size in enumerate(sizes):
        rows = []
        with webdataset.TarWriter(str(folder / f"{shard:05d}.tar")) as tar:
            for place in range(size + failed):
                key = f"{shard:05d}{place:04d}"
                if place >= size:
                    rows.append(_row(key, made(10**6 + place), "failed_to_download"))
                    continue
                number = len(pairs)
                pair = made(number)
                pairs.append(pair)
                rows.append(_row(key, pair, "success"))
                image = (files or {}).get(number, png(pair.colour))
                tar.write({"__key__": key, "jpg": image, "txt": pair.text, "json": json.dumps(rows[-1]).encode()})
        pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), folder / f"{shard:05d}.parquet")
    write_sizes(folder, sizes)
    return pairs


def write_pairs(folder: Path, pairs: Sequence[tuple[bytes, str, str]]) -> None:
    """Writes one shard of given image files, languages and texts."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with webdataset.TarWriter(str(folder / "00000.tar")) as tar:
        for number, (image, language, text) in enumerate(pairs):
            rows.append(_row(f"{number:09d}", Made(uid_of(number), text, language, (0, 0, 0)), "success"))
            tar.write({"__key__": rows[-1]["key"], "jpg": image, "txt": text})
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), folder / "00000.parquet")
    write_sizes(folder, [len(pairs)])


def write_matched(folder: Path, matched: Sequence[dict[str, Any]], shards: int = 1) -> None:
    """Writes shards of all matched images with all their texts."""
    folder.mkdir()
    texts: dict[str, list[dict[str, Any]]] = {}
    for row in matched:
        texts.setdefault(row["image_id"], []).append({field.name: row[field.name] for field in _TEXTS.value_type})
    images = sorted(texts)
    for shard in range(shards):
        rows: list[dict[str, Any]] = []
        with webdataset.TarWriter(str(folder / f"{shard:05d}.tar")) as tar:
            for image in images[shard::shards]:
                key = f"{shard:05d}{len(rows):04d}"
                rows.append({"key": key, "status": "success", "texts": texts[image]})
                tar.write({"__key__": key, "jpg": png((int(image[:2], 16), len(rows), 0))})
        schema = pa.schema([("key", pa.string()), ("status", pa.string()), ("texts", _TEXTS)])
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{shard:05d}.parquet")
    write_sizes(folder, [len(images[shard::shards]) for shard in range(shards)])


def write_sizes(folder: Path, sizes: Sequence[int]) -> None:
    (folder / "sizes.json").write_text(json.dumps({f"{shard:05d}.tar": size for shard, size in enumerate(sizes)}))


_SCHEMA = pa.schema([(name, pa.string()) for name in ("key", "status", "uid", "caption", "lang", "metadata_lang")])


def _row(key: str, pair: Made, status: str) -> dict[str, Any]:
    languages = {"lang": pair.language, "metadata_lang": pair.language}
    return {"key": key, "status": status, "uid": pair.uid, "caption": pair.text, **languages}


def to_tensor(image: Image.Image) -> torch.Tensor:
    """A transform: the picture's bytes, shape (3, height, width)."""
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)
