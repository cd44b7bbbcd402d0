"""A language's unigrams, and bigrams with their mutual information, from Wikipedia's text (spec section 3)."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
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
from metaclip_curate.metadata.wikipedia.byte_ranges import size_of
from metaclip_curate.metadata.wikipedia.multistream import check_index, check_page_count
from metaclip_curate.metadata.wikipedia.ranges import ByteRange, byte_ranges, end_fault
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN, hidden_namespaces
from metaclip_curate.metadata.wikipedia.sources import Source, wikipedia_sources
from metaclip_curate.metadata.wikipedia.stats import PageAccount, total
from metaclip_curate.options.fields import table_options
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.metadata.wikipedia import TextFile, accounts_by_file, count_ngrams
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
    """Counts a language's words and pairs of neighbours.

    Writes to the folder:

    - `unigrams/*.parquet`: entry, count; by count descending, then by entry ascending (code points);
    - `bigrams/*.parquet`: entry, count, pmi; by pmi descending, then by entry ascending;
    - `wikipedia.json`, last: what became of every page of every file, totals, options, and `warnings` for people.

    Args:
        spark: The session.
        language: A metadata language.
        sources: Its files of Wikipedia text, in any of the forms of `wikipedia.sources`, and indices of multistream
            dumps.
        folder: Where to write; what is there of a former build is replaced.
        options: Limits.
        storage: How to reach the files.

    Raises:
        UserError: A file is missing, of no known form, damaged (unless the options allow it), or doesn't fit its index.
    """
    found = wikipedia_sources(sources)
    try:
        expected = [check_index(source, storage) if source.index else None for source in found]
        faults = [_end_fault(source, options, storage) for source in found]
        files = [_text_file(number, source, language, options, storage) for number, source in enumerate(found)]
    except InputError as error:
        raise UserError(f"{error.path} can't be read: {error.reason}.") from error
    work = stores.join(folder, "counts")
    limits = PageLimits(options.max_page_bytes, options.page_seconds)
    count_ngrams(spark, files, limits, storage).write.mode("overwrite").option("compression", "zstd").parquet(work)
    counts = spark.read.parquet(work)
    by_file = accounts_by_file(counts)
    accounts = [total(by_file.get(file.number, [])) for file in files]
    for source, account, pages, fault in zip(found, accounts, expected, faults, strict=True):
        account.ends_early = int(bool(fault))
        _check_account(source, account, pages, options)
    every = total(accounts)
    words = counts.filter(F.col("second").isNull() & F.col("joiner").isNotNull())
    words = words.select(F.col("first").alias("entry"), "count")
    _write(_by_rank(words.filter(F.col("count") >= options.lowest_unigram_count), "count"), folder, "unigrams")
    pairs = counts.filter(F.col("second").isNotNull() & (F.col("count") >= options.lowest_bigram_count))
    _write(_by_rank(_with_pmi(pairs, words, every.tokens, options.lowest_pmi), "pmi"), folder, "bigrams")
    record = {
        "language": language,
        "files": [_described(source, account, storage) for source, account in zip(found, accounts, strict=True)],
        "total": dataclasses.asdict(every),
        "highest_pmi": highest_pmi(every.tokens, options.lowest_bigram_count) if every.tokens else None,
        "warnings": _warnings(every, options),
        "options": table_options(options),
    }
    data = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    stores.write_bytes(stores.join(folder, "wikipedia.json"), data.encode(), storage)
    stores.delete_folder(work, storage)


def _text_file(number: int, source: Source, language: str, options: NgramOptions, storage: StorageOptions) -> TextFile:
    """Plans how a file is read, and finds out what can be found out before."""
    known = source.wiki in {edition.code for edition in all_editions()}
    segmented_as = source.wiki if known else language
    if source.form == "parquet":
        return TextFile(number, segmented_as, (ByteRange(source),))
    ranges = tuple(byte_ranges(source, options.split_bytes, storage))
    hidden = hidden_namespaces(source, storage) if source.form == "xml" else ENGLISH_HIDDEN
    return TextFile(number, segmented_as, ranges, hidden)


def _end_fault(source: Source, options: NgramOptions, storage: StorageOptions) -> str:
    fault = end_fault(source, storage) if source.form != "parquet" else ""
    if fault and not options.allow_damaged_dumps:
        raise UserError(f"{source.path} {fault}: fetch it again, or use what is readable with --allow-damaged-dumps.")
    return fault


def _check_account(source: Source, account: PageAccount, expected: int | None, options: NgramOptions) -> None:
    if options.allow_damaged_dumps:
        return
    if not account.is_whole:
        parts = [
            f"{account.damaged_parts} parts of it can't be read" if account.damaged_parts else "",
            f"{account.cut_off} pages are cut off" if account.cut_off else "",
        ]
        raise UserError(
            f"{source.path} is damaged or incomplete ({', '.join(filter(None, parts))}; {account.pages:,} pages could "
            "be read): fetch it again, or use what is readable with --allow-damaged-dumps."
        )
    if expected is not None:
        check_page_count(source, expected, account.pages)


def _with_pmi(pairs: DataFrame, words: DataFrame, tokens: int, lowest: float) -> DataFrame:
    """Bigrams with their mutual information; of two pairs that make the same string the one with more."""
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


def _described(source: Source, account: PageAccount, storage: StorageOptions) -> dict[str, Any]:
    return {
        "path": source.path,
        "bytes": size_of(source.path, storage),
        "sha256": _digest(source.path),
        "form": source.form,
        "index": source.index or None,
        **dataclasses.asdict(account),
    }


def _digest(path: str) -> str | None:
    """SHA-256 of a local file that is hashed within seconds; None for others."""
    local = Path(local_path(path)) if stores.is_local(path) else None
    if local is None or not local.is_file() or local.stat().st_size > _LARGEST_HASHED:
        return None
    with local.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warnings(account: PageAccount, options: NgramOptions) -> list[str]:
    found = []
    if not account.tokens:
        found.append("there is no text in the files")
    elif highest_pmi(account.tokens, options.lowest_bigram_count) < options.lowest_pmi:
        highest = highest_pmi(account.tokens, options.lowest_bigram_count)
        found.append(
            f"no bigram can have {options.lowest_pmi:g} bits of mutual information: with {account.tokens:,} tokens and "
            f"a lowest count of {options.lowest_bigram_count} the most is {highest:.1f}; lower --lowest-pmi"
        )
    if not account.is_whole:
        found.append("damaged or incomplete dumps were used as far as they could be read")
    return found
