"""Bytes of a WARC or WAT file to records, whatever is damaged.

Common Crawl writes each record as a gzip member of its own. Damage to a member costs that record, and reading continues
at the next one. A wrong Content-Length, line ends of LF only, or garbage between records cost nothing or one record. A
member may hold several records, and a record may continue in the next members. A record over the size limit, such as a
gzip bomb, is skipped without being held in memory. WARC: ISO 28500.
"""

from __future__ import annotations

from collections.abc import Iterator

from metaclip_curate.extract.framing import Framing
from metaclip_curate.extract.gzip_members import GZIP_MAGIC, GzipFormat
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.members import read_members
from metaclip_curate.extract.record import RECORD_START, Record, skip_blanks
from metaclip_curate.extract.stored_bytes import Bytes, End, Piece, Readable, StoredBytes
from metaclip_curate.extract.zstd_frames import ZSTD_MAGIC, ZstdFormat, starts_as_zstd

__all__ = ["Bytes", "Record", "read_records"]


def read_records(stream: Readable, stats: InputStats, max_record_bytes: int) -> Iterator[Record]:
    """Reads the records of a WARC or WAT file, compressed by gzip or zstd or not at all.

    Args:
        stream: The file's bytes as stored.
        stats: `records`, `records_skipped` and damage are recorded here.
        max_record_bytes: Upper bound of a record's block; records with a longer one are skipped.

    Yields:
        Every record that can be read, in the file's order.

    Raises:
        InputError: The stream raised it. All whole records before it have been yielded.
    """
    stored = StoredBytes(stream)
    yield from Framing(stats, max_record_bytes).records(_decompressed(stored, stats))
    if stored.broken:
        raise stored.broken
    if not stored.bytes_read:
        stats.mark_damaged("an empty file")


def _decompressed(stored: StoredBytes, stats: InputStats) -> Iterator[Piece]:
    """Decompresses a file by its first bytes, or if these are damaged by the first magic number found in them."""
    stored.fill(len(ZSTD_MAGIC))
    start = stored.buffer
    if starts_as_zstd(start):
        return read_members(stored, stats, ZstdFormat(stored, stats))
    if start.startswith(GZIP_MAGIC[:2]):
        return read_members(stored, stats, GzipFormat())
    if RECORD_START.match(start, skip_blanks(start, 0)):
        return plain_pieces(stored)
    if GZIP_MAGIC in start:
        return read_members(stored, stats, GzipFormat())
    return read_members(stored, stats, ZstdFormat(stored, stats)) if ZSTD_MAGIC in start else plain_pieces(stored)


def plain_pieces(stored: StoredBytes) -> Iterator[Piece]:
    """Yields the bytes of a file that isn't compressed."""
    while not stored.ended:
        yield Piece(stored.take_all(), End.NOTHING)
        stored.more()
    yield Piece(stored.take_all(), End.BROKEN if stored.broken else End.FILE)
