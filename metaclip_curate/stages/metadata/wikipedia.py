"""Counts of words and adjacent pairs in files of Wikipedia text, with one task per split.

A task counts in memory and yields its counts when there are many, so its output grows with the number of distinct words
rather than with the text. The statistics of its pages are rows among the counts, so that both are of the same attempt.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import reduce

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.ngrams import NgramCounts
from metaclip_curate.metadata.wikipedia.articles import PageLimits, read_texts
from metaclip_curate.metadata.wikipedia.segment import Segmenter
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN
from metaclip_curate.metadata.wikipedia.splits import FileSplit
from metaclip_curate.metadata.wikipedia.stats import PageStats
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.storage import InputError, StorageOptions, is_local
from metaclip_curate.storage.urls import local_path

# Rows of a task: counts of words (second is null) and of pairs, and statistics (joiner is null too, first has JSON).
COUNTS = pa.schema(
    [
        ("wikipedia", pa.string()),  # code of the edition
        ("first", pa.string()),
        ("joiner", pa.string()),  # string between the two
        ("second", pa.string()),
        ("count", pa.int64()),
    ]
)
_MOST_NGRAMS = 1 << 19  # distinct n-grams that a task holds, about 100 MB
_BATCH_ROWS = 1 << 16


@dataclass(frozen=True)
class TextFile:
    """A file and the settings for reading its text.

    Attributes:
        number: Index of the file.
        wikipedia: Code of the Wikipedia, by whose rules the text is segmented.
        splits: Splits, one per task; for Parquet a single one, of which only the source is used.
        hidden: Namespaces in lower case, links to which aren't text.
    """

    number: int
    wikipedia: str
    splits: tuple[FileSplit, ...]
    hidden: frozenset[str] = field(default=ENGLISH_HIDDEN)

    @property
    def path(self) -> str:
        """Path or URL of the file."""
        return self.splits[0].source.path

    @property
    def form(self) -> str:
        """Form of the file. See `DumpFile.form`."""
        return self.splits[0].source.form


def count_ngrams(spark: SparkSession, files: list[TextFile], limits: PageLimits, storage: StorageOptions) -> DataFrame:
    """Counts words and adjacent pairs.

    Args:
        spark: The Spark session.
        files: Files to read.
        limits: Limits of a page.
        storage: Credentials and limits with which the workers read the files; Spark reads Parquet itself.

    Returns:
        Rows of `COUNTS`, each word and pair of a Wikipedia once, with one row of statistics or several for each file.
    """
    tables = []
    pieces = [(file.number, part) for file in files if file.form != "parquet" for part in range(len(file.splits))]
    if pieces:
        rows = [(partition, number, part) for partition, (number, part) in enumerate(pieces)]
        frame = spark.createDataFrame(rows, "partition int, file int, part int")
        placed = shuffle_to_partitions(frame, len(rows), "partition")
        tables.append(placed.mapInArrow(_split_reader(tuple(files), limits, storage), ddl(COUNTS)))
    for file in files:
        if file.form == "parquet":
            tables.append(_texts_of(spark, file.path).mapInArrow(_column_reader(file, limits), ddl(COUNTS)))
    every = reduce(DataFrame.unionByName, tables)
    return every.groupBy("wikipedia", "first", "joiner", "second").agg(F.sum("count").alias("count"))


def stats_by_file(counts: DataFrame) -> dict[int, list[PageStats]]:
    """Collects the statistics among the rows of `count_ngrams`, by the number of their file."""
    found: dict[int, list[PageStats]] = {}
    for row in counts.filter(F.col("joiner").isNull()).collect():
        values = json.loads(row["first"])
        found.setdefault(values["file"], []).append(PageStats(**values["stats"]))
    return found


def _texts_of(spark: SparkSession, path: str) -> DataFrame:
    try:
        if is_local(path):  # Spark reports a broken file by a page of Java
            pq.read_schema(local_path(path))
        table = spark.read.parquet(path)
    except (AnalysisException, OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path} can't be read as Parquet ({str(error).splitlines()[0]}).") from error
    if dict(table.dtypes).get("text") != "string":
        raise UserError(f"{path} has no column text of strings; give a file in the layout of wikimedia/wikipedia.")
    return table.select("text")


def _split_reader(
    files: tuple[TextFile, ...], limits: PageLimits, storage: StorageOptions
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    by_number = {file.number: file for file in files}

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                file = by_number[row["file"]]
                stats = PageStats()
                texts = read_texts(file.splits[row["part"]], limits, storage, stats, file.hidden)
                yield from _counted(_readable(texts, stats), file.wikipedia, stats)
                yield _stats_row(file, str(row["part"]), stats)

    return read


def _readable(texts: Iterator[str], stats: PageStats) -> Iterator[str]:
    """Yields texts up to the position at which reading the file was given up."""
    try:
        yield from texts
    except InputError:
        stats.damaged_parts += 1


def _column_reader(
    file: TextFile, limits: PageLimits
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        stats = PageStats()
        yield from _counted(_usable(batches, limits, stats), file.wikipedia, stats)
        context = TaskContext.get()
        yield _stats_row(file, str(context.partitionId() if context else 0), stats)

    return read


def _usable(batches: Iterator[pa.RecordBatch], limits: PageLimits, stats: PageStats) -> Iterator[str]:
    for batch in batches:
        for text in batch.column(0).to_pylist():
            if text is None or not text.strip():
                stats.count("no_text")
            elif len(text.encode()) > limits.max_bytes:
                stats.count("too_long")
            else:
                stats.count("used")
                yield text


def _counted(texts: Iterator[str], wikipedia: str, stats: PageStats) -> Iterator[pa.RecordBatch]:
    segmenter = Segmenter(wikipedia)
    counts = NgramCounts()
    for text in texts:
        stats.plain_bytes += len(text.encode())
        stats.tokens += counts.add(segmenter.runs(text))
        if len(counts) > _MOST_NGRAMS:
            yield from _count_rows(counts, wikipedia, segmenter.joiner)
            counts = NgramCounts()
    yield from _count_rows(counts, wikipedia, segmenter.joiner)


def _count_rows(counts: NgramCounts, wikipedia: str, joiner: str) -> Iterator[pa.RecordBatch]:
    words = list(counts.unigrams.items())
    for start in range(0, len(words), _BATCH_ROWS):
        firsts, numbers = zip(*words[start : start + _BATCH_ROWS], strict=True)
        yield _rows(wikipedia, list(firsts), "", [None] * len(firsts), list(numbers))
    pairs = list(counts.bigrams.items())
    for start in range(0, len(pairs), _BATCH_ROWS):
        both, numbers = zip(*pairs[start : start + _BATCH_ROWS], strict=True)
        yield _rows(wikipedia, [first for first, _ in both], joiner, [second for _, second in both], list(numbers))


def _stats_row(file: TextFile, part: str, stats: PageStats) -> pa.RecordBatch:
    # The part makes each row unique; equal rows would be added up to one.
    values = {"file": file.number, "part": part, "stats": dataclasses.asdict(stats)}
    return _rows(file.wikipedia, [json.dumps(values)], None, [None], [1])


def _rows(
    wikipedia: str, firsts: list[str], joiner: str | None, seconds: list[str | None], counts: list[int]
) -> pa.RecordBatch:
    columns = [
        pa.array([wikipedia] * len(firsts), pa.string()),
        pa.array(firsts, pa.string()),
        pa.array([joiner] * len(firsts), pa.string()),
        pa.array(seconds, pa.string()),
        pa.array(counts, pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=COUNTS)
