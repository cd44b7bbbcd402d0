"""Unigrams, and bigrams with their mutual information, from a language's Wikipedia text (spec section 3)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage as stores
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.ngrams import highest_pmi, pmi
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
from metaclip_curate.stages.metadata.wikipedia import TextFile, count_ngrams, stats_by_file
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.urls import local_path

_LARGEST_HASHED = 1 << 30

BIGRAMS = pa.schema([("entry", pa.string()), ("count", pa.int64()), ("pmi", pa.float64())])


def build_ngrams(
    spark: SparkSession,
    language: str,
    sources: Sequence[str],
    folder: str,
    options: NgramOptions,
    storage: StorageOptions,
) -> None:
    """Counts a language's words and adjacent pairs.

    Writes to the folder:

    - `unigrams/*.parquet`: entry, count; by count descending, then by entry ascending (code points);
    - `bigrams/*.parquet`: entry, count, pmi; by pmi descending, then by entry ascending;
    - `wikipedia.json`, last: statistics of the pages of each file, totals, options, and `warnings` for the console.

    Args:
        spark: The Spark session.
        language: A metadata language.
        sources: Its files of Wikipedia text in any form of `wikipedia.dump_files`, and indices of multistream dumps.
        folder: Folder to write to; files of an earlier build are replaced.
        options: Limits of pages and n-grams.
        storage: Credentials and limits for reading the files.

    Raises:
        UserError: A file is missing, of an unknown form, damaged (unless the options allow it), or doesn't fit its
            index.
    """
    dumps = _check_dumps(sources, language, options, storage)
    counts_folder = stores.join(folder, "counts")
    limits = PageLimits(options.max_page_bytes, options.page_seconds)
    files = [dump.file for dump in dumps]
    counted = count_ngrams(spark, files, limits, storage)
    counted.write.mode("overwrite").option("compression", "zstd").parquet(counts_folder)
    counts = spark.read.parquet(counts_folder)
    by_file = stats_by_file(counts)
    stats_of_dumps = [total(by_file.get(dump.file.number, [])) for dump in dumps]
    for dump, stats in zip(dumps, stats_of_dumps, strict=True):
        stats.ends_early = int(bool(dump.fault))
        _check_stats(dump, stats, options)
    all_stats = total(stats_of_dumps)
    _write_ngrams(counts, all_stats.tokens, folder, options)
    record = {
        "language": language,
        "files": [_described(dump.source, stats, storage) for dump, stats in zip(dumps, stats_of_dumps, strict=True)],
        "total": dataclasses.asdict(all_stats),
        "highest_pmi": highest_pmi(all_stats.tokens, options.lowest_bigram_count) if all_stats.tokens else None,
        "warnings": _warnings(all_stats, options),
        "options": table_options(options),
    }
    data = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    stores.write_bytes(stores.join(folder, "wikipedia.json"), data.encode(), storage)
    stores.delete_folder(counts_folder, storage)


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


def _write_ngrams(counts: DataFrame, tokens: int, folder: str, options: NgramOptions) -> None:
    words = counts.filter(F.col("second").isNull() & F.col("joiner").isNotNull())
    words = words.select(F.col("first").alias("entry"), "count")
    _write(_by_rank(words.filter(F.col("count") >= options.lowest_unigram_count), "count"), folder, "unigrams")
    pairs = counts.filter(F.col("second").isNotNull() & (F.col("count") >= options.lowest_bigram_count))
    _write(_by_rank(_with_pmi(pairs, words, tokens, options.lowest_pmi), "pmi"), folder, "bigrams")


def _text_file(
    number: int, source: DumpFile, language: str, options: NgramOptions, storage: StorageOptions
) -> TextFile:
    """Splits a file and chooses the settings for reading its text."""
    known = source.wiki in {edition.code for edition in all_editions()}
    segmented_as = source.wiki if known else language
    if source.form == "parquet":
        return TextFile(number, segmented_as, (FileSplit(source),))
    splits = tuple(split_file(source, options.split_bytes, storage))
    hidden = hidden_namespaces(source, storage) if source.form == "xml" else ENGLISH_HIDDEN
    return TextFile(number, segmented_as, splits, hidden)


def _truncation(source: DumpFile, options: NgramOptions, storage: StorageOptions) -> str:
    fault = find_truncation(source, storage) if source.form != "parquet" else ""
    if fault and not options.allow_damaged_dumps:
        raise UserError(f"{source.path} {fault}: fetch it again, or use what is readable with --allow-damaged-dumps.")
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
            "could be read): fetch it again, or use what is readable with --allow-damaged-dumps."
        )
    if dump.expected_pages is not None:
        check_page_count(dump.source, dump.expected_pages, stats.pages)


def _with_pmi(pairs: DataFrame, words: DataFrame, tokens: int, lowest: float) -> DataFrame:
    """Adds their mutual information to bigrams. Of two pairs that make up the same string, the higher one is kept."""
    first = words.select(F.col("entry").alias("first"), F.col("count").alias("n_first"))
    second = words.select(F.col("entry").alias("second"), F.col("count").alias("n_second"))
    joined = pairs.join(first, "first").join(second, "second")
    entry = F.concat("first", "joiner", "second").alias("entry")
    scored = joined.select(entry, "count", "n_first", "n_second").mapInArrow(_scorer(tokens, lowest), ddl(BIGRAMS))
    best = F.max(F.struct("pmi", "count")).alias("best")
    return scored.groupBy("entry").agg(best).select("entry", "best.count", "best.pmi")


def _scorer(tokens: int, lowest: float) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            counts = (column.to_pylist() for column in batch.columns[1:])
            values = pa.array([pmi(pair, x, y, tokens) for pair, x, y in zip(*counts, strict=True)], pa.float64())
            scored = pa.RecordBatch.from_arrays([batch.column(0), batch.column(1), values], schema=BIGRAMS)
            yield scored.filter(pc.greater_equal(values, lowest))

    return score


def _by_rank(table: DataFrame, score: str) -> DataFrame:
    return table.sort(F.col(score).desc(), F.col("entry").asc())


def _write(table: DataFrame, folder: str, name: str) -> None:
    table.write.mode("overwrite").option("compression", "zstd").parquet(stores.join(folder, name))


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


def _warnings(stats: PageStats, options: NgramOptions) -> list[str]:
    found = []
    if not stats.tokens:
        found.append("the files have no text")
    elif highest_pmi(stats.tokens, options.lowest_bigram_count) < options.lowest_pmi:
        highest = highest_pmi(stats.tokens, options.lowest_bigram_count)
        found.append(
            f"no bigram can have {options.lowest_pmi:g} bits of mutual information: with {stats.tokens:,} tokens and "
            f"a lowest count of {options.lowest_bigram_count} the highest is {highest:.1f}; lower --lowest-pmi"
        )
    if not stats.is_whole:
        found.append("damaged or incomplete dumps were used as far as they could be read")
    return found
