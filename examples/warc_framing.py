"""The frame of a record in a WARC or WAT file (ISO 28500, WARC 1.0).

A record is a version line, named fields, an empty line, the block and two CRLFs. In a .gz file each
record is a gzip member of its own, so that a reader can start at any record. No clock is read:
gzip's time stamp is 0 and identifiers are digests, so that equal input makes equal records. The
compressed bytes also depend on the version of zlib; compare the decompressed ones.
"""

import hashlib
import uuid
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

GZIP_WINDOW_BITS = 31  # zlib's largest window, 15, plus 16 for a gzip header


def warc_record(fields: Sequence[tuple[str, str]], block: bytes) -> bytes:
    """Frames a record, and adds Content-Length as the last field.

    Args:
        fields: Named fields in order, by custom with WARC-Type first.
        block: Content of the record.

    Returns:
        The uncompressed record with its two closing CRLFs.
    """
    lines = ["WARC/1.0", *(f"{name}: {value}" for name, value in fields)]
    lines.append(f"Content-Length: {len(block)}")
    head = "\r\n".join(lines).encode("utf-8", "replace")
    return head + b"\r\n\r\n" + block + b"\r\n\r\n"


def record_id(*parts: str) -> str:
    """Returns an identifier of the form `<urn:uuid:...>`, which is the same for the same parts."""
    digest = hashlib.blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=16).digest()
    return f"<urn:uuid:{uuid.UUID(bytes=digest, version=4)}>"


def gzip_member(record: bytes, compression_level: int = 6) -> bytes:
    """Compresses a record to one gzip member without time stamp and name.

    Args:
        record: Bytes of the record.
        compression_level: zlib's level, 0 (none) to 9 (smallest).
    """
    return zlib.compress(record, compression_level, wbits=GZIP_WINDOW_BITS)


def write_records(path: Path | str, records: Iterable[bytes], compression_level: int = 6) -> None:
    """Writes records one after another: each as a gzip member if the name ends in .gz, else uncompressed.

    Args:
        path: File to write. Its folder must exist.
        records: Uncompressed records, taken one at a time, so that no file is held in memory.
        compression_level: zlib's level, for .gz only.
    """
    compressed = str(path).endswith(".gz")
    with Path(path).open("wb") as file:
        for record in records:
            file.write(gzip_member(record, compression_level) if compressed else record)
