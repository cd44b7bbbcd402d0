"""What files are that are no WARC."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from metaclip_curate.extract import InputStats, read_pairs

ARC = b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 76\n1 0 InternetArchive\n"
HTML = b"\n <!DOCTYPE html>\n<html><head><title>503</title></head></html>"
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'


def of_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.warc.gz", gzip.compress(b"WARC/1.0\r\n"))
    return data.getvalue()


def of_tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.warc"))
    return data.getvalue()


def of_parquet() -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), data)
    return data.getvalue()


FILES = {
    "an ARC file": ARC,
    "an HTML page": HTML,
    "XML": XML,
    "JSON": b'{"message": "Too Many Requests"}',
    "a zip file": of_zip(),
    "a tar archive": of_tar(),
    "a bzip2 file": bz2.compress(ARC),
    "an xz file": lzma.compress(ARC),
    "a Parquet file": of_parquet(),
    "a list of paths": b"crawl-data/CC-MAIN-2025-30/segments/1/wat/a.warc.wat.gz\n",
    "an empty file": b"",
    "a zstd file of before": b"\x25\xb5\x2f\xfd" + bytes(20),
}
PACKED = ("an ARC file", "an HTML page", "XML", "a list of paths")


def reason(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "a.warc.wat.gz"
    path.write_bytes(data)
    stats = InputStats(str(path))
    assert list(read_pairs(str(path), stats=stats)) == []
    assert stats.status == "failed"
    return stats.error


@pytest.mark.parametrize("kind", FILES)
def test_the_reason_says_what_a_file_is(tmp_path: Path, kind: str) -> None:
    assert reason(tmp_path, FILES[kind]).startswith(kind)


@pytest.mark.parametrize("kind", PACKED)
def test_packed_ones_too(tmp_path: Path, kind: str) -> None:
    assert reason(tmp_path, gzip.compress(FILES[kind])).startswith(kind)
    assert reason(tmp_path, zstandard.compress(FILES[kind])).startswith(kind)


@pytest.mark.parametrize(
    "data",
    [b"no idea", bytes(100), b"\r\n\r\n", gzip.compress(b"no idea"), gzip.compress(b"")],
    ids=["words", "zeros", "blank", "packed words", "packed nothing"],
)
def test_others_hold_no_record(tmp_path: Path, data: bytes) -> None:
    assert "no WARC record" in reason(tmp_path, data)
