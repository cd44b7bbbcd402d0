"""Counts of the words and adjacent pairs in a language's Wikipedia text (spec section 3)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage as stores
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.editions import all_editions
from metaclip_curate.metadata.wikipedia.articles import PageLimits
from metaclip_curate.metadata.wikipedia.dump_files import DumpFile, dump_files
from metaclip_curate.metadata.wikipedia.multistream import check_index, check_page_count
from metaclip_curate.metadata.wikipedia.offset_input import size_of
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN, hidden_namespaces
from metaclip_curate.metadata.wikipedia.splits import FileSplit, find_truncation, split_file
from metaclip_curate.metadata.wikipedia.stats import PageStats, total
from metaclip_curate.options.fields import table_options
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.metadata.wikipedia import COUNTS, TextFile, count_ngrams, stats_by_file
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.urls import local_path

COUNTS_FOLDER = "counts"
FETCH_AGAIN = "fetch it again, or use what is readable with --allow-damaged-dumps"
_LARGEST_HASHED = 1 << 30


@dataclass(frozen=True)
class NgramSources:
    """The text of a language, and the counts that are kept.

    Attributes:
        language: A metadata language.
        paths: Its files of Wikipedia text in any form of `wikipedia.dump_files`, and indices of multistream dumps.
        lowest_pair_count: Lowest count of a pair that is written. Default: 1.
    """

    language: str
    paths: Sequence[str]
    lowest_pair_count: int = 1


def build_ngrams(
    spark: SparkSession, sources: NgramSources, folder: str, options: NgramOptions, storage: StorageOptions
) -> None:
    """Counts a language's words and adjacent pairs, those of each Wikipedia by themselves.

    Writes to the folder:

    - `counts/*.parquet`: rows of `COUNTS`, each word and pair of a Wikipedia once, in no order;
    - `wikipedia.json`, last: statistics of the pages of each file, tokens of each Wikipedia, totals, options, and
      `warnings` for the console.

    Args:
        spark: The Spark session.
        sources: The text, and the counts that are kept.
        folder: Folder to write to; files of an earlier build are replaced.
        options: Limits of pages.
        storage: Credentials and limits for reading the files.

    Raises:
        UserError: A file is missing, of an unknown form, damaged (unless the options allow it), or doesn't fit its
            index.
    """
    dumps = _check_dumps(sources.paths, sources.language, options, storage)
    counts_folder = stores.join(folder, COUNTS_FOLDER)
    limits = PageLimits(options.max_page_bytes, options.page_seconds)
    counted = count_ngrams(spark, [dump.file for dump in dumps], limits, storage)
    frequent = F.col("second").isNull() | (F.col("count") >= sources.lowest_pair_count)
    written = counted.filter(frequent)
    if len({dump.file.wikipedia for dump in dumps}) > 1:
        # The ranking reads one Wikipedia at a time, and Parquet's statistics let it skip the others.
        written = written.sortWithinPartitions("wikipedia")
    written.write.mode("overwrite").option("compression", "zstd").parquet(counts_folder)
    by_file = stats_by_file(spark.read.schema(ddl(COUNTS)).parquet(counts_folder))
    stats_of_dumps = [total(by_file.get(dump.file.number, [])) for dump in dumps]
    for dump, stats in zip(dumps, stats_of_dumps, strict=True):
        stats.ends_early = int(bool(dump.fault))
        _check_stats(dump, stats, options)
    all_stats = total(stats_of_dumps)
    record = {
        "language": sources.language,
        "files": [_described(dump.source, stats, storage) for dump, stats in zip(dumps, stats_of_dumps, strict=True)],
        "tokens": _tokens(dumps, stats_of_dumps),
        "total": dataclasses.asdict(all_stats),
        "warnings": _warnings(all_stats),
        "options": table_options(options),
    }
    data = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    stores.write_bytes(stores.join(folder, "wikipedia.json"), data.encode(), storage)


@dataclass(frozen=True)
class _Dump:
    """A file that was checked before it is read.

    Attributes:
        source: The file.
        file: The settings for reading its text.
        expected_pages: Number of pages in its index; None without one.
        fault: What is wrong with its end; empty if nothing is.
    """

    source: DumpFile
    file: TextFile
    expected_pages: int | None
    fault: str


def _check_dumps(sources: Sequence[str], language: str, options: NgramOptions, storage: StorageOptions) -> list[_Dump]:
    found = dump_files(sources)
    try:
        expected = [check_index(source, storage) if source.index else None for source in found]
        faults = [_truncation(source, options, storage) for source in found]
        files = [_text_file(number, source, language, options, storage) for number, source in enumerate(found)]
    except InputError as error:
        raise UserError(f"{error.path} can't be read: {error.reason}.") from error
    return [_Dump(*values) for values in zip(found, files, expected, faults, strict=True)]


def _tokens(dumps: Sequence[_Dump], stats_of_dumps: Sequence[PageStats]) -> dict[str, int]:
    """Adds up the tokens of each Wikipedia, in the order of languages.csv."""
    tokens: dict[str, int] = {}
    for dump, stats in zip(dumps, stats_of_dumps, strict=True):
        tokens[dump.file.wikipedia] = tokens.get(dump.file.wikipedia, 0) + stats.tokens
    order = [edition.code for edition in all_editions()]
    return dict(sorted(tokens.items(), key=lambda item: order.index(item[0]) if item[0] in order else -1))


def _text_file(
    number: int, source: DumpFile, language: str, options: NgramOptions, storage: StorageOptions
) -> TextFile:
    """Splits a file and chooses the settings for reading its text.

    A file without a code in its name counts as the language's own Wikipedia.
    """
    known = source.wiki in {edition.code for edition in all_editions()}
    wikipedia = source.wiki if known else language
    if source.form == "parquet":
        return TextFile(number, wikipedia, (FileSplit(source),))
    splits = tuple(split_file(source, options.split_bytes, storage))
    hidden = hidden_namespaces(source, storage) if source.form == "xml" else ENGLISH_HIDDEN
    return TextFile(number, wikipedia, splits, hidden)


def _truncation(source: DumpFile, options: NgramOptions, storage: StorageOptions) -> str:
    fault = find_truncation(source, storage) if source.form != "parquet" else ""
    if fault and not options.allow_damaged_dumps:
        raise UserError(f"{source.path} {fault}: {FETCH_AGAIN}.")
    return fault


def _check_stats(dump: _Dump, stats: PageStats, options: NgramOptions) -> None:
    if options.allow_damaged_dumps:
        return
    if not stats.is_whole:
        parts = [
            f"{stats.damaged_parts} parts of it can't be read" if stats.damaged_parts else "",
            f"{stats.cut_off} pages are cut off" if stats.cut_off else "",
        ]
        raise UserError(
            f"{dump.source.path} is damaged or incomplete ({', '.join(filter(None, parts))}; {stats.pages:,} pages "
            f"could be read): {FETCH_AGAIN}."
        )
    if dump.expected_pages is not None:
        check_page_count(dump.source, dump.expected_pages, stats.pages)


def _described(source: DumpFile, stats: PageStats, storage: StorageOptions) -> dict[str, Any]:
    return {
        "path": source.path,
        "bytes": size_of(source.path, storage),
        "sha256": _digest(source.path),
        "form": source.form,
        "index": source.index or None,
        **dataclasses.asdict(stats),
    }


def _digest(path: str) -> str | None:
    """Computes the SHA-256 of a local file of up to 1 GiB, which takes seconds; None for other files."""
    local = Path(local_path(path)) if stores.is_local(path) else None
    if local is None or not local.is_file() or local.stat().st_size > _LARGEST_HASHED:
        return None
    with local.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warnings(stats: PageStats) -> list[str]:
    found = []
    if not stats.tokens:
        found.append(f"none of {stats.pages:,} pages has text")
    if not stats.is_whole:
        found.append(
            f"damaged or incomplete dumps were used as far as they could be read: {stats.used:,} articles of "
            f"{stats.pages:,} pages"
        )
    return found
