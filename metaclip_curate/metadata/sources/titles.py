"""Article titles and their views from Wikimedia's hourly pageviews files.

A line is `domain_code page_title count_views total_response_size`
(https://wikitech.wikimedia.org/wiki/Data_Platform/Data_Lake/Traffic/Pageviews). A line is used if it is of a site of
a Wikipedia that counts (`page_view_sites`), its title has no ":" (which marks another namespace), its count is above 0,
and its title has as many views in the file's hour as the Wikipedia's rule asks for. Every other line is counted by the
first reason that applies: malformed (not four fields, a count that isn't a number, not UTF-8), other_projects, mobile,
with_colon, without_views, below_hourly_minimum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from isal import isal_zlib

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.page_view_sites import PageViewSites
from metaclip_curate.storage import InputError, StorageOptions

TITLES = pa.schema(
    [
        pa.field("wikipedia", pa.string()),  # code of the edition
        pa.field("entry", pa.string()),  # the title with spaces for "_"
        pa.field("views", pa.int64()),  # of one hour, or of one hour and site; the stage adds them up
    ]
)
_FIELDS = 4
_READ_BYTES = 256 << 10
_BLOCK_BYTES = 8 << 20
_LONGEST_LINE = 64 << 20
_LINE_FEED = 10
_GZIP = 31  # zlib's window bits for a gzip header and trailer
_DIGITS = r"^[0-9]{1,18}$"


@dataclass
class PageViewsStats:
    """Numbers of lines of one file: `lines` is the sum of `used` and of the numbers below it.

    Attributes:
        path: Path of the file.
        status: ok; partial: the file breaks off, and the lines before count; failed: no line counts.
        error: What is wrong with the file.
        lines: Number of lines that aren't empty.
        used: Number of lines whose views count.
        malformed: Number of lines that aren't of the form of a pageviews file.
        other_projects: Number of lines of sites that aren't a Wikipedia's.
        mobile: Number of lines of mobile sites of Wikipedias of which only the desktop site counts.
        with_colon: Number of lines of titles with a colon.
        without_views: Number of lines with a count of zero.
        below_hourly_minimum: Number of lines of titles with fewer views in this hour than count.
        used_of: `used` by code of the Wikipedia.
    """

    path: str
    status: str = "ok"
    error: str = ""
    lines: int = 0
    used: int = 0
    malformed: int = 0
    other_projects: int = 0
    mobile: int = 0
    with_colon: int = 0
    without_views: int = 0
    below_hourly_minimum: int = 0
    used_of: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Returns the statistics as JSON types."""
        return dataclasses.asdict(self)


def broken_off(stats: Mapping[str, Any]) -> str:
    """Returns a warning about a file whose end is missing; empty for a whole one."""
    if stats["status"] != "partial":
        return ""
    return f"{stats['file']} breaks off ({stats['error']}): {stats['lines']:,} lines before that count"


def check_stats(stats: Mapping[str, Any], log: Callable[[str], None]) -> None:
    """Checks that a file can be used, and logs unusable parts.

    Args:
        stats: `PageViewsStats` as JSON types, with the file's name for the log in `file`.
        log: Function that prints a line.

    Raises:
        UserError: The file can't be used.
    """
    if stats["status"] == "failed":
        raise UserError(f"{stats['path']} is damaged ({stats['error']}): download it again, or remove it")
    if line := broken_off(stats):
        log(f"titles: {line}")
    if stats["malformed"]:
        log(f"titles: {stats['file']}: {stats['malformed']:,} of {stats['lines']:,} lines malformed")
    if stats["lines"] and stats["other_projects"] == stats["lines"] - stats["malformed"]:
        log(f"titles: {stats['file']}: none of {stats['lines']:,} lines has the code of a Wikipedia")


def read_page_views(
    path: str, sites: PageViewSites, options: StorageOptions, stats: PageViewsStats
) -> Iterator[pa.RecordBatch]:
    """Reads one file.

    Args:
        path: Path or URL of the file, gzip or plain.
        sites: Sites of the Wikipedias, and the rules by which their views count.
        options: Credentials and limits for reading the file.
        stats: Statistics, which are filled while the file is read.

    Yields:
        Rows of `TITLES`. A title is repeated if several sites or lines have it, unless its Wikipedia has an hourly
        minimum.
    """
    hour = _Hour(sites)
    try:
        with storage.open_input(path, options) as stream:
            pieces = iter(partial(stream.read1, _READ_BYTES), b"")
            for lines in _blocks(_unpacked(pieces, stats) if path.endswith(".gz") else pieces):
                yield hour.keep_back(_titles(lines, sites, stats), stats)
        yield hour.finish(stats)
        if stats.error and not stats.lines:
            stats.status = "failed"
    except (_DamagedError, isal_zlib.IsalError) as error:  # type: ignore[misc]  # the stubs don't declare it as an exception
        # The checksum is at the end, so the position of the damage isn't known.
        stats.status, stats.error = "failed", str(error)
    except InputError as error:
        stats.status, stats.error = "failed", error.reason


class _DamagedError(Exception):
    """A file whose text can't be trusted, including the part that was already read."""


def _unpacked(pieces: Iterator[bytes], stats: PageViewsStats) -> Iterator[bytes]:
    """Decompresses a gzip file to its end, or to where it breaks off, which is recorded in the statistics."""
    unpacker, inside, members = isal_zlib.decompressobj(wbits=_GZIP), False, 0
    for piece in pieces:
        packed = piece
        while packed:
            inside = True
            yield unpacker.decompress(packed)
            packed = unpacker.unused_data
            if unpacker.eof:
                unpacker, inside, members = isal_zlib.decompressobj(wbits=_GZIP), False, members + 1
    if inside:
        stats.status, stats.error = "partial", "its end is missing"
    elif not members:
        raise _DamagedError("it is empty")


def _blocks(pieces: Iterator[bytes]) -> Iterator[pa.Array]:
    """Splits text into arrays of lines, which may hold any bytes except line feeds; empty lines are left out."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK_BYTES:
            whole, _, rest = b"".join(waiting).rpartition(b"\n")
            if not whole and size >= _LONGEST_LINE:
                raise _DamagedError(f"a line is longer than {_LONGEST_LINE} bytes")
            yield _lines(whole)
            waiting, size = [rest], len(rest)
    yield _lines(b"".join(waiting))


def _lines(text: bytes) -> pa.Array:
    data = np.frombuffer(text, np.uint8)
    ends = np.append(np.flatnonzero(data == _LINE_FEED), len(data)).astype(np.int32)
    starts = np.append(np.int32(0), ends[:-1] + 1).astype(np.int32)
    # Offsets of the lines and of the line feeds between them: every other value is a line.
    offsets = np.append(np.stack([starts, ends], axis=1).ravel(), np.int32(len(data))).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    pieces = pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)
    lines = pieces.take(pa.array(np.arange(0, len(offsets) - 1, 2)))
    return lines.filter(pc.greater(pc.binary_length(lines), 0))


def _titles(lines: pa.Array, sites: PageViewSites, stats: PageViewsStats) -> pa.RecordBatch:
    stats.lines += len(lines)
    fields = pc.split_pattern(lines, b" ")
    fields = fields.filter(pc.equal(pc.list_value_length(fields), _FIELDS))
    stats.malformed += len(lines) - len(fields)
    domains, titles, counts = (_as_text(pc.list_element(fields, index)) for index in range(3))
    well_formed = pc.match_substring_regex(counts, _DIGITS)
    for column in (domains, titles):
        well_formed = pc.and_(well_formed, pc.greater(pc.binary_length(column), 0))
    well_formed = well_formed.fill_null(False)
    known = pc.index_in(domains, value_set=sites.codes)
    counted = sites.counted.take(known).fill_null(False)
    plain = pc.invert(pc.match_substring(titles, ":")).fill_null(False)
    viewed = pc.match_substring_regex(counts, "[1-9]").fill_null(False)
    kept = well_formed
    stats.malformed += len(fields) - _trues(kept)
    reasons = {"other_projects": known.is_valid(), "mobile": counted, "with_colon": plain, "without_views": viewed}
    for reason, holds in reasons.items():
        narrowed = pc.and_(kept, holds)
        setattr(stats, reason, getattr(stats, reason) + _trues(kept) - _trues(narrowed))
        kept = narrowed
    columns = [
        sites.wikipedias.take(known.filter(kept)),
        pc.utf8_trim_whitespace(pc.replace_substring(titles.filter(kept), "_", " ")),
        counts.filter(kept).cast(pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=TITLES)


class _Hour:
    """The titles of Wikipedias with an hourly minimum, until the whole file is read.

    A title's views of an hour are in several lines if it has several sites.
    """

    def __init__(self, sites: PageViewSites) -> None:
        self._wikipedias, self._minima = sites.hourly_minima()
        self._kept_back: list[pa.RecordBatch] = []

    def keep_back(self, titles: pa.RecordBatch, stats: PageViewsStats) -> pa.RecordBatch:
        """Returns the titles of the other Wikipedias."""
        if len(self._wikipedias):
            waits = pc.is_in(titles.column("wikipedia"), value_set=self._wikipedias)
            self._kept_back.append(titles.filter(waits))
            titles = titles.filter(pc.invert(waits))
        for item in titles.column("wikipedia").value_counts().to_pylist():
            _count_used(item["values"], item["counts"], stats)
        return titles

    def finish(self, stats: PageViewsStats) -> pa.RecordBatch:
        """Returns the titles that have enough views, each once."""
        rows = pa.Table.from_batches(self._kept_back, TITLES)
        # One thread, so that the order of the rows is always the same.
        summed = rows.group_by(["wikipedia", "entry"], use_threads=False)
        titles = summed.aggregate([("views", "sum"), ("views", "count")])
        least = self._minima.take(pc.index_in(titles["wikipedia"], value_set=self._wikipedias))
        enough = titles.filter(pc.greater_equal(titles["views_sum"], least))
        lines = enough.group_by("wikipedia", use_threads=False).aggregate([("views_count", "sum")])
        for item in lines.to_pylist():
            _count_used(item["wikipedia"], item["views_count_sum"], stats)
        stats.below_hourly_minimum += len(rows) - (pc.sum(enough["views_count"]).as_py() or 0)
        columns = [enough[name].combine_chunks() for name in ("wikipedia", "entry", "views_sum")]
        return pa.RecordBatch.from_arrays(columns, schema=TITLES)


def _count_used(wikipedia: str, lines: int, stats: PageViewsStats) -> None:
    stats.used += lines
    stats.used_of[wikipedia] = stats.used_of.get(wikipedia, 0) + lines


def _as_text(column: pa.Array) -> pa.Array:
    """Converts a binary column to strings, with null for values that aren't UTF-8."""
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_decoded(value) for value in column.to_pylist()], pa.string())


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _trues(mask: pa.Array) -> int:
    return int(pc.sum(mask, min_count=0).as_py())
