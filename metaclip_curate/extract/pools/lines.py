"""Lines of text files, unpacked if they are compressed by gzip or zstd."""

from __future__ import annotations

from collections.abc import Iterator

from metaclip_curate.extract.gzip_members import GZIP_MAGIC, GzipFormat
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.members import read_members
from metaclip_curate.extract.records import plain_pieces
from metaclip_curate.extract.stored_bytes import End, Piece, Readable, StoredBytes
from metaclip_curate.extract.zstd_frames import ZSTD_MAGIC, ZstdFormat, starts_as_zstd

_DAMAGED = (End.CUT, End.BROKEN, End.DAMAGE)
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotTextError(ValueError):
    """A file isn't text in UTF-8; the message doesn't name it."""


def read_lines(stream: Readable, stats: InputStats, most_bytes: int) -> Iterator[list[bytes]]:
    """Reads lines. Damage costs the lines that it is in.

    Args:
        stream: The file's bytes as stored.
        stats: Lines that are too long or cut, and damage, are recorded here.
        most_bytes: Largest number of bytes of a line.

    Yields:
        Neighbouring lines without their line ends, at least one.

    Raises:
        InputError: The stream raised it. All whole lines before it have been yielded.
        NotTextError: The text is in UTF-16.
    """
    stored = StoredBytes(stream)
    pending: list[bytes] = []
    size = 0  # bytes of the pending line
    skipping = False  # the line whose end is searched for isn't used
    for number, piece in enumerate(_pieces(stored, stats)):
        data = bytes(piece.data)
        if number == 0:
            if data.startswith(_UTF16_MARKS):
                raise NotTextError("it is text in UTF-16: save it in UTF-8")
            data = data.removeprefix(_UTF8_MARK)
        head, newline, rest = data.partition(b"\n")
        if not newline:
            pending.append(head)
            size += len(head)
        else:
            first = b"".join([*pending, head])
            *whole, last = rest.split(b"\n")
            lines = whole if skipping else [first, *whole]
            yield from _short(lines, stats, most_bytes)
            pending, size, skipping = [last], len(last), False
        if size > most_bytes and not skipping:
            _skip(stats, f"a line of more than {most_bytes:,} bytes")
            skipping = True
        if skipping:
            pending, size = [], 0
        if piece.end in _DAMAGED:
            if size and not skipping:
                stats.records_skipped += 1
            pending, size, skipping = [], 0, piece.end is End.DAMAGE
    if size and not skipping:
        yield from _short([b"".join(pending)], stats, most_bytes)
    if stored.broken:
        raise stored.broken


def _short(lines: list[bytes], stats: InputStats, most_bytes: int) -> Iterator[list[bytes]]:
    short = [line for line in lines if len(line) <= most_bytes]
    for _ in range(len(lines) - len(short)):
        _skip(stats, f"a line of more than {most_bytes:,} bytes")
    if short:
        yield short


def _skip(stats: InputStats, reason: str) -> None:
    stats.records_skipped += 1
    stats.mark_damaged(reason)


def _pieces(stored: StoredBytes, stats: InputStats) -> Iterator[Piece]:
    stored.fill(len(ZSTD_MAGIC))
    if starts_as_zstd(stored.buffer):
        return read_members(stored, stats, ZstdFormat(stored, stats))
    if stored.buffer.startswith(GZIP_MAGIC):
        return read_members(stored, stats, GzipFormat())
    return plain_pieces(stored)
