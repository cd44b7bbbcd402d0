"""Writes the rows of a pool in each form that is read: Parquet, JSON lines, CSV, TSV and webdataset's tars."""

from __future__ import annotations

import csv
import gzip
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = Mapping[str, Any]
_PNG = b"\x89PNG\r\n\x1a\n"


def write_parquet(path: Path, rows: Sequence[Row], row_group_size: int = 1000) -> None:
    """Writes a Parquet file."""
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path, row_group_size=row_group_size)


def write_json_lines(path: Path, rows: Sequence[Row]) -> None:
    """Writes an object in each line, packed by gzip if the name ends with .gz."""
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Writes a table with commas, or with tabs if the name has .tsv, packed by gzip if it ends with .gz."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if ".tsv" in path.name else ",", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(path, text.getvalue().encode())


def write_tar(
    path: Path, rows: Sequence[Row], picture: Callable[[int], bytes], text: str = "text", key: str = ""
) -> None:
    """Writes a webdataset: of each row a picture (.png or .jpg), a .txt and a .json file.

    Args:
        path: Path of the tar.
        rows: The rows.
        picture: Returns the bytes of a row's picture, by its number.
        text: Column that becomes the .txt file, and isn't in the .json file.
        key: Column with the names of the files. Default: numbers.
    """
    with tarfile.open(path, "w") as tar:
        for number, row in enumerate(rows):
            fields = {name: value for name, value in row.items() if name != text}
            image = picture(number)
            extension_of_image = "png" if image.startswith(_PNG) else "jpg"
            files = {extension_of_image: image, "json": json.dumps(fields).encode()}
            if row.get(text) is not None:
                files["txt"] = str(row[text]).encode()
            for extension, data in sorted(files.items()):
                member = tarfile.TarInfo(f"{row[key] if key else f'{number:06d}'}.{extension}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def png(red: int, green: int, blue: int, size: int = 8) -> bytes:
    """Returns a picture of one colour."""
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([red, green, blue]) * size) * size, 9)
    return _PNG + b"".join(_chunk(kind, data) for kind, data in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
