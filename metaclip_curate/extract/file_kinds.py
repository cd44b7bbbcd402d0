"""The kind of a file that isn't a WARC, by its first bytes."""

from __future__ import annotations

import re

_NOT_READ = "which isn't read here"
_BY_START = {
    rb"filedesc://": "an ARC file, a format older than WARC, " + _NOT_READ,
    rb"PK(?:\x03\x04|\x05\x06)": "a zip file: unpack it",
    rb"BZh[1-9]": "a bzip2 file: unpack it",
    rb"\xfd7zXZ\0": "an xz file: unpack it",
    rb"7z\xbc\xaf\x27\x1c": "a 7-Zip file: unpack it",
    rb"Rar!\x1a\x07": "a RAR file: unpack it",
    rb"\x04\x22\x4d\x18": "an lz4 file: unpack it",
    rb"\x1f\x9d": "a file packed by compress (.Z): unpack it",
    rb"[\x1e\x22-\x27]\xb5\x2f\xfd": "a zstd file of before version 0.8, " + _NOT_READ,
    rb".{257}ustar": "a tar archive: unpack it",
    rb"PAR1": "a Parquet file",
    rb"ARROW1": "an Arrow file",
    rb"ORC": "an ORC file",
    rb"Obj\x01": "an Avro file",
    rb"SQLite format 3": "an SQLite database",
    rb"%PDF-": "a PDF document",
    rb"\x89PNG\r\n": "a PNG image",
    rb"\xff\xd8\xff": "a JPEG image",
    rb"GIF8": "a GIF image",
    rb" CDX ": "a CDX index of WARCs",
    rb"HTTP/\d": "an HTTP response without a WARC around it",
    rb"version https://git-lfs": "a pointer of Git LFS in place of the file",
    rb"crawl-data/": "a list of paths: write an @ before its name",
    rb"(?i:<!doctype html|<html)": "an HTML page, perhaps a server's error message",
    rb"<(?:\?xml|Error>|[A-Za-z]+Error)": "XML, perhaps a server's error message",
    rb"[{\[][\s\[]*[\"{]": "JSON, perhaps a server's error message",
}
LONGEST_START = 512  # bytes; enough to recognise every kind
_KINDS = [(re.compile(rb"(?:\xef\xbb\xbf)?\s*" + start, re.DOTALL), kind) for start, kind in _BY_START.items()]


def file_kind(start: bytes | bytearray) -> str:
    """Returns the kind of a file, such as "an ARC file, ...", for messages; empty if it is unknown.

    Args:
        start: The file's first bytes, decompressed if it is compressed by gzip or zstd.
    """
    first = bytes(start[:LONGEST_START])
    return next((kind for pattern, kind in _KINDS if pattern.match(first)), "")
