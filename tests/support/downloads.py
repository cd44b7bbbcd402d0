"""What img2dataset leaves behind of a manifest: a Parquet file beside each shard, written by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("caption", pa.string()),
        ("uid", pa.string()),
        ("lang", pa.string()),
        ("key", pa.string()),
        ("status", pa.string()),
        ("error_message", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("original_width", pa.int32()),
        ("original_height", pa.int32()),
        ("exif", pa.string()),
        ("sha256", pa.string()),
    ]
)
ERRORS = {"failed_to_download": "HTTP Error 404: Not Found", "failed_to_resize": "image decoding error"}


def sample(row: dict[str, Any], number: int, status: str, content: str) -> dict[str, Any]:
    """One row: of a manifest's row, with what came of it and what the image's bytes were."""
    fetched = status == "success"
    return {
        "url": row["url"],
        "caption": row["text"],
        "uid": row["uid"],
        "lang": row["lang"],
        "key": f"{number:09d}",
        "status": status,
        "error_message": ERRORS.get(status),
        "width": 256 if fetched else None,
        "height": 256 if fetched else None,
        "original_width": 640 if fetched else None,
        "original_height": 480 if fetched else None,
        "exif": "{}" if fetched else None,
        "sha256": hashlib.sha256(content.encode()).hexdigest() if fetched else None,
    }


def write(folder: Path, samples: Sequence[dict[str, Any]], a_shard: int = 100, without: Sequence[str] = ()) -> None:
    """Writes a download's shards: their tables, and files that aren't tables."""
    folder.mkdir(parents=True, exist_ok=True)
    for shard, start in enumerate(range(0, len(samples), a_shard)):
        rows = list(samples[start : start + a_shard])
        pq.write_table(
            pa.Table.from_pylist(rows, schema=SCHEMA).drop_columns(list(without)), folder / f"{shard:05d}.parquet"
        )
        (folder / f"{shard:05d}.tar").write_bytes(b"\0" * 10240)
        (folder / f"{shard:05d}_stats.json").write_text("{}")
    (folder / "_tmp").mkdir(exist_ok=True)
    (folder / "_tmp" / "0.feather").write_bytes(b"ARROW1")
