"""From one file to batches of pairs: the loop over records, pages and links."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from metaclip_curate.errors import UserError
from metaclip_curate.extract.gathered_links import GatheredLinks, LinkedPage
from metaclip_curate.extract.input_file import InputFile
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.links import Page
from metaclip_curate.extract.page_facts import license_url, page_language
from metaclip_curate.extract.pages import PageReader
from metaclip_curate.extract.pools.read_pool import FilePart, PoolReadOptions, read_pool
from metaclip_curate.extract.records import Record, read_records
from metaclip_curate.extract.urls import DocumentBase
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.schemas import Kept, with_kept
from metaclip_curate.storage import ByteRange, InputError, StorageOptions, public_name

# Old crawls are named by years (CC-MAIN-2009-2010, CC-MAIN-2012). CC-MAIN-20230127001911-... is a file of a segment.
_CRAWL_IN_PATH = re.compile(r"CC-MAIN-\d{4}(?:-\d{2}(?:\d{2})?)?(?![\d-])")
# A batch ends early after records of this many bytes, which bounds its memory.
_BATCH_BYTES = 1 << 25


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading files.

    Attributes:
        ignore_opt_out: Whether pages that say noai, noimageai, noml, tdm-reservation or ai-train=no are used.
        max_record_bytes: Longer records are skipped. Default: 32 MiB.
        batch_links: Number of links in a batch, each counted once a page.
        pool: Which columns of a pool are read.
        kept: Fields of the kept columns of a pool, in the order of `pool.keep_columns`.
    """

    ignore_opt_out: bool = field(
        default=False, metadata={"help": "use pages that say noai, noimageai, noml, tdm-reservation or ai-train=no"}
    )
    max_record_bytes: int = field(default=32 << 20, metadata={"help": "skip records longer than this many bytes"})
    batch_links: int = 8192
    pool: PoolOptions = PoolOptions()
    kept: Kept = ()

    def __post_init__(self) -> None:
        if len(self.kept) != len(self.pool.keep_columns):
            raise UserError(
                "ReadOptions needs a field in kept for each of pool.keep_columns: take them from "
                "metaclip_curate.schemas.kept_columns"
            )


def read_pairs(
    path: str | Path,
    options: ReadOptions | None = None,
    storage: StorageOptions | None = None,
    stats: InputStats | None = None,
    ranges: Sequence[ByteRange] | None = None,
    part: FilePart | None = None,
) -> Iterator[pa.RecordBatch]:
    """Reads the image-text pairs of one WAT or WARC file, or of one file of a pool.

    Damage never raises: everything readable is yielded, and `stats` records what was lost.

    Args:
        path: Local path or URL that `storage.open_input` takes, with the password or signature it may need.
        options: Options for reading. Default: `ReadOptions()`.
        storage: Credentials, time-outs and number of attempts. Default: `StorageOptions()`.
        stats: Filled while reading, and complete when the iterator ends. Its path becomes the pairs' `source_file`.
            Default: a new one, with the path without its secrets.
        ranges: Ranges of the file that are read, each a whole record as it is stored. Default: the whole file.
        part: Of a pool, the rows to read and the file's name in their URLs. Default: all rows.

    Yields:
        Batches with the schema `schemas.PAIRS` and the kept columns of a pool, with each (url, text) of the file once.

    Raises:
        InputError: The file can't be opened or has no record, and no `stats` was passed to record that.
    """
    options, storage = options or ReadOptions(), storage or StorageOptions()
    path = str(path)
    counts = stats or InputStats(public_name(path))
    started = time.monotonic()
    try:
        with closing(InputFile(path, storage, ranges)) as file:
            form = file.form()
            if form is None:
                yield from _read_crawl_file(file, options, counts)
            else:
                of_pool = PoolReadOptions(options.pool, options.kept, options.max_record_bytes)
                yield from read_pool(file, form, of_pool, part or FilePart(), counts)
    except InputError as error:
        # Pairs read before a connection was given up are kept.
        if counts.records:
            counts.mark_broken_off(error.reason)
        else:
            counts.mark_failed(error.reason)
    counts.seconds = time.monotonic() - started
    if counts.status == "failed" and stats is None:
        raise InputError(counts.path, counts.error)


def _read_crawl_file(file: InputFile, options: ReadOptions, stats: InputStats) -> Iterator[pa.RecordBatch]:
    with file.open() as stream:
        try:
            records = read_records(stream, stats, options.max_record_bytes)
            for batch in _PairReader(options, stats).batches(records):
                yield _with_nulls(batch, options.kept) if options.kept else batch
        finally:
            stats.bytes_read = stream.bytes_read


def _with_nulls(batch: pa.RecordBatch, kept: Kept) -> pa.RecordBatch:
    """Adds a pool's kept columns to pairs that aren't of a pool."""
    schema = with_kept(batch.schema, kept)
    columns = [
        batch.column(field.name) if field.name in batch.schema.names else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class _PairReader:
    """Turns the records of one file into batches."""

    def __init__(self, options: ReadOptions, stats: InputStats) -> None:
        self._options = options
        self._stats = stats
        self._seen: set[bytes] = set()
        self._gathered = GatheredLinks()
        self._record_bytes = 0  # of the records that the gathered links are from
        found = _CRAWL_IN_PATH.search(stats.path)
        self._pages = PageReader(found.group() if found else "")

    def batches(self, records: Iterator[Record]) -> Iterator[pa.RecordBatch]:
        broken: InputError | None = None
        try:
            yield from self._full_batches(records)
        except InputError as error:
            broken = error  # raised after the last batches are yielded
        yield from self._take_batches()
        if broken is not None:
            raise broken
        if not self._stats.records:
            self._stats.mark_failed(self._stats.error or "it holds no WARC record")

    def _full_batches(self, records: Iterator[Record]) -> Iterator[pa.RecordBatch]:
        for record in records:
            try:
                page = self._pages.read(record)
            except ValueError as error:
                self._stats.records_skipped += 1
                self._stats.mark_damaged(f"a record can't be read: {error}")
                continue
            if page is None:
                continue
            self._stats.pages += 1
            if page.damage:
                self._stats.mark_damaged(page.damage)
            if page.links:
                self._gather(page)
                self._record_bytes += len(record.body)
                if len(self._gathered.links) >= self._options.batch_links or self._record_bytes >= _BATCH_BYTES:
                    yield from self._take_batches()

    def _gather(self, page: Page) -> None:
        stats = self._stats
        stats.image_links += len(page.links)
        if page.opted_out and not self._options.ignore_opt_out:
            stats.dropped_opt_out += len(page.links)
            return
        base = DocumentBase(page.url, page.base)
        about = LinkedPage(base, page_language(page.language), license_url(page.license_links, base))
        self._gathered.add(about, page.links)

    def _take_batches(self) -> Iterator[pa.RecordBatch]:
        self._record_bytes = 0
        stats = self._stats
        for rows in self._gathered.take(stats, _BATCH_BYTES):
            batch = rows.new_rows(self._seen, self._pages.crawl, stats.path)
            stats.pairs += batch.num_rows
            stats.duplicate_texts = stats.texts - stats.pairs
            if batch.num_rows:
                yield batch
