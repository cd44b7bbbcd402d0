"""Reads the pages that a query chooses from one file of the columnar index, and of the file only what that needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate.extract.crawl_index.query import IndexQuery
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.byte_ranges import ByteRange
from metaclip_curate.storage.parquet_columns import chunk_range
from metaclip_curate.storage.ranged_file import RangedFile
from metaclip_curate.storage.redaction import public_name
from metaclip_curate.storage.retry import InputError

# A page that may be chosen: its record, and its rank if the query chooses by hash, else 0.
CANDIDATES = pa.schema(
    [
        pa.field("warc_filename", pa.string()),
        pa.field("warc_record_offset", pa.int64()),
        pa.field("warc_record_length", pa.int64()),
        pa.field("rank", pa.int64()),
    ]
)
ORDER = ("rank", "warc_filename", "warc_record_offset")
_HTML = ("text/html", "application/xhtml+xml")
_RECORD = ("warc_filename", "warc_record_offset", "warc_record_length")
_MOST_HELD = 1 << 20  # rows beyond the limit that are held before the largest are dropped


@dataclass
class IndexScan:
    """What reading a file of the index took.

    Attributes:
        groups: Number of its row groups.
        groups_read: Number of row groups that weren't skipped by their statistics.
        pages: Number of HTML pages that the query's languages, hosts and sample choose, before its limit.
    """

    groups: int = 0
    groups_read: int = 0
    pages: int = 0


def scan_file(
    path: str, query: IndexQuery, storage: StorageOptions, scan: IndexScan | None = None
) -> Iterator[pa.Table]:
    """Reads the pages that a query chooses from a file of the index.

    Row groups are skipped by their statistics. Of the others the columns by which pages are chosen are read first, and
    the columns of their records only where a page is chosen.

    Args:
        path: Path or URL of the Parquet file.
        query: The query.
        storage: Credentials, time-outs and number of attempts.
        scan: Filled while reading.

    Yields:
        Tables with the schema `CANDIDATES`. Of a query with a limit, no more rows than that in all.

    Raises:
        InputError: The file can't be read, is damaged, or lacks a column.
    """
    scan = scan if scan is not None else IndexScan()
    with RangedFile(path, storage) as file:
        try:
            found = _chosen(_IndexFile(pq.ParquetFile(file), file, public_name(path)), query, scan)
            if not query.limit:
                yield from found
                return
            held: list[pa.Table] = []
            rows = 0
            for table in found:
                held.append(table)
                rows += table.num_rows
                if rows > query.limit + _MOST_HELD:
                    held = [_smallest(held, query.limit)]
                    rows = held[0].num_rows
            if held:
                yield _smallest(held, query.limit)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).strip().rstrip(".")
            raise InputError(public_name(path), f"it is damaged or no Parquet file ({reason}): replace it") from error


def _chosen(index: _IndexFile, query: IndexQuery, scan: IndexScan) -> Iterator[pa.Table]:
    filters = ["content_mime_detected", *(["content_languages"] if query.languages else [])]
    filters += ["url_host_name"] if query.hosts else []
    rest = [*_RECORD, *(["url"] if query.chooses_by_hash else [])]
    index.require([*filters, *rest])
    scan.groups = index.groups
    for group in range(index.groups):
        if not _may_have_pages(index, group, query):
            continue
        scan.groups_read += 1
        mask = _mask(index.read(group, filters), query)
        if not pc.any(mask).as_py():
            continue
        rows = index.read(group, rest).filter(mask)
        table = _candidates(rows, query)
        if not _name_records(table):
            raise InputError(
                index.name, "a page has no file, offset or length of a record: leave such rows out of the index"
            )
        scan.pages += table.num_rows
        if table.num_rows:
            yield table


def _candidates(rows: pa.Table, query: IndexQuery) -> pa.Table:
    if query.chooses_by_hash:
        ranks = query.ranks(rows.column("url").to_pylist())
        sampled = ranks < query.rank_end if query.sample < 1 else np.ones(len(ranks), dtype=bool)
        rows, ranks = rows.filter(pa.array(sampled)), ranks[sampled]
    else:
        ranks = np.zeros(rows.num_rows, np.int64)
    columns = [rows.column(name).cast(CANDIDATES.field(name).type) for name in _RECORD]
    return pa.table([*columns, pa.array(ranks)], schema=CANDIDATES)


def _name_records(table: pa.Table) -> bool:
    """Returns whether each row has the file, offset and length of a record."""
    offsets, lengths = (pc.min(table.column(name)).as_py() for name in _RECORD[1:])
    nulls = sum(table.column(name).null_count for name in _RECORD)
    return not nulls and (table.num_rows == 0 or (offsets >= 0 and lengths > 0))


def _smallest(tables: Sequence[pa.Table], count: int) -> pa.Table:
    """Returns the rows with the smallest ranks; equal ones are decided by the record."""
    table = pa.concat_tables(tables)
    if table.num_rows <= count:
        return table
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ORDER])
    return table.take(order[:count]).combine_chunks()


def _mask(rows: pa.Table, query: IndexQuery) -> pa.ChunkedArray:
    mask = pc.is_in(rows.column("content_mime_detected"), value_set=pa.array(_HTML))
    if query.languages:
        mask = pc.and_(mask, _speaks(rows.column("content_languages"), query.languages))
    if query.hosts:
        mask = pc.and_(mask, query.host_patterns.match(rows.column("url_host_name")))
    return mask


def _speaks(languages: pa.ChunkedArray, required: Sequence[str]) -> pa.Array:
    """Returns which lists of languages, such as `swa,eng`, contain a required one."""
    encoded = languages.combine_chunks().dictionary_encode()
    found = [
        each is not None and not set(required).isdisjoint(each.split(",")) for each in encoded.dictionary.to_pylist()
    ]
    return pa.array(found, pa.bool_()).take(encoded.indices).fill_null(False)


def _may_have_pages(index: _IndexFile, group: int, query: IndexQuery) -> bool:
    """Returns whether a row group may have a chosen page, by its statistics."""
    mime = index.bounds(group, "content_mime_detected")
    if mime and not any(mime[0] <= each <= mime[1] for each in _HTML):
        return False
    if query.languages:
        if index.is_all_null(group, "content_languages"):
            return False
        spoken = index.bounds(group, "content_languages")
        # Between two different lists any language may come second.
        if spoken and spoken[0] == spoken[1] and set(query.languages).isdisjoint(spoken[0].split(",")):
            return False
    if query.hosts:
        keys = index.bounds(group, "url_surtkey")
        if keys and not query.host_patterns.may_be_in(*keys):
            return False
    return True


@dataclass
class _IndexFile:
    parquet: Any  # a pq.ParquetFile
    file: RangedFile
    name: str
    _columns: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        schema = self.parquet.metadata.schema
        self._columns = {schema.column(number).path: number for number in range(len(schema))}

    @property
    def groups(self) -> int:
        return int(self.parquet.metadata.num_row_groups)

    def require(self, columns: Sequence[str]) -> None:
        missing = [name for name in columns if name not in self._columns]
        if missing:
            raise InputError(
                self.name,
                f"the index has no column {missing[0]}, as those of some old crawls: choose pages by other options or "
                "of another crawl",
            )

    def read(self, group: int, columns: Sequence[str]) -> pa.Table:
        """Reads columns of a row group by one request for those that lie near each other."""
        self.file.fetch([self._range(group, name) for name in columns])
        return self.parquet.read_row_group(group, columns=list(columns), use_threads=False)

    def _range(self, group: int, column: str) -> ByteRange:
        return chunk_range(self.parquet.metadata, group, self._columns[column])

    def _statistics(self, group: int, column: str) -> Any:
        if column not in self._columns:
            return None
        return self.parquet.metadata.row_group(group).column(self._columns[column]).statistics

    def is_all_null(self, group: int, column: str) -> bool:
        statistics = self._statistics(group, column)
        rows = self.parquet.metadata.row_group(group).num_rows
        return bool(statistics and statistics.has_null_count and statistics.null_count == rows)

    def bounds(self, group: int, column: str) -> tuple[str, str] | None:
        statistics = self._statistics(group, column)
        if not statistics or not statistics.has_min_max:
            return None
        smallest, largest = statistics.min, statistics.max
        return (smallest, largest) if isinstance(smallest, str) and isinstance(largest, str) else None
