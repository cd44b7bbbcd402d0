"""How a record is put into a WARC or WAT file (ISO 28500, WARC 1.0).

A record is a version line, named fields, an empty line, the block and two CRLFs. In a .gz file
every record is a gzip member of its own, so that a reader can start at any record. Nothing here
reads a clock: gzip's time stamp is 0 and identifiers are digests, so equal input gives equal
records. Compressed bytes also depend on the version of zlib; compare the unpacked ones.
"""

import hashlib
import uuid
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

GZIP_WINDOW_BITS = 31  # zlib's largest window, 15, plus 16 for a gzip header


def warc_record(fields: Sequence[tuple[str, str]], block: bytes) -> bytes:
    """Frames one record; Content-Length is added as the last field.

    Args:
        fields: named fields in order, WARC-Type first by custom.
        block: the record's content.

    Returns:
        The record with its two closing CRLFs, uncompressed.
    """
    lines = ["WARC/1.0", *(f"{name}: {value}" for name, value in fields)]
    lines.append(f"Content-Length: {len(block)}")
    head = "\r\n".join(lines).encode("utf-8", "replace")
    return head + b"\r\n\r\n" + block + b"\r\n\r\n"


def record_id(*parts: str) -> str:
    """An identifier that is the same for the same parts, as a `<urn:uuid:...>`."""
    digest = hashlib.blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=16).digest()
    return f"<urn:uuid:{uuid.UUID(bytes=digest, version=4)}>"


def gzip_member(record: bytes, compression_level: int = 6) -> bytes:
    """One record as one gzip member without a time stamp or a name.

    Args:
        record: what `warc_record` returned, or any bytes.
        compression_level: zlib's, 0 (none) to 9 (smallest).
    """
    return zlib.compress(record, compression_level, wbits=GZIP_WINDOW_BITS)


def write_records(path: Path | str, records: Iterable[bytes], compression_level: int = 6) -> None:
    """Writes records one after another: a member each when the name ends in .gz, else plain.

    Args:
        path: the file to write; its folder must exist.
        records: uncompressed records, taken one at a time, so that no file is held in memory.
        compression_level: zlib's, used for .gz only.
    """
    compressed = str(path).endswith(".gz")
    with Path(path).open("wb") as file:
        for record in records:
            file.write(gzip_member(record, compression_level) if compressed else record)
