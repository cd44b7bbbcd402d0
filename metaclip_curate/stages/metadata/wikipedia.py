"""Files of Wikipedia text to counts of words and pairs, one task a range of bytes.

A task adds up in memory what it meets and hands it over when there is much of it, so what leaves it grows with the
words of its text and not with the text. What became of its pages goes with the counts, as in `accounts`: both are of
the same reading, whatever was retried.
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
from metaclip_curate.metadata.wikipedia.ranges import ByteRange
from metaclip_curate.metadata.wikipedia.segment import Segmenter
from metaclip_curate.metadata.wikipedia.siteinfo import ENGLISH_HIDDEN
from metaclip_curate.metadata.wikipedia.stats import PageAccount
from metaclip_curate.schemas import ddl
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.storage import InputError, StorageOptions, is_local
from metaclip_curate.storage.urls import local_path

# What a task yields: counts of words (second is null) and pairs, and accounts (joiner is null too, first their JSON).
COUNTS = pa.schema(
    [
        ("first", pa.string()),
        ("joiner", pa.string()),  # what stands between the two
        ("second", pa.string()),
        ("count", pa.int64()),
    ]
)
_MOST_NGRAMS = 1 << 19  # different ones that a task holds: about 100 MB
_ROWS = 1 << 16  # of a batch


@dataclass(frozen=True)
class TextFile:
    """A file and how its text is read.

    Attributes:
        number: Its position among the files.
        language: The Wikipedia code by which it is segmented.
        ranges: The ranges that its tasks take; one, of which only the source counts, for Parquet.
        hidden: Namespaces, in small letters, links to which are no text.
    """

    number: int
    language: str
    ranges: tuple[ByteRange, ...]
    hidden: frozenset[str] = field(default=ENGLISH_HIDDEN)

    @property
    def path(self) -> str:
        """Where it is."""
        return self.ranges[0].source.path

    @property
    def form(self) -> str:
        """Its form, as `Source.form`."""
        return self.ranges[0].source.form


def count_ngrams(spark: SparkSession, files: list[TextFile], limits: PageLimits, storage: StorageOptions) -> DataFrame:
    """Counts words and pairs of neighbours.

    Args:
        spark: The session.
        files: What to read.
        limits: What a page may be.
        storage: How workers reach the files; Parquet is read by Spark itself.

    Returns:
        Rows of `COUNTS`, each word and pair once, and one account or several for each file.
    """
    tables = []
    pieces = [(file.number, part) for file in files if file.form != "parquet" for part in range(len(file.ranges))]
    if pieces:
        rows = [(place_, number, part) for place_, (number, part) in enumerate(pieces)]
        placed = shuffle_to_partitions(
            spark.createDataFrame(rows, "place int, file int, part int"), spark, len(rows), "place"
        )
        tables.append(placed.mapInArrow(_range_reader(tuple(files), limits, storage), ddl(COUNTS)))
    for file in files:
        if file.form == "parquet":
            tables.append(_texts_of(spark, file.path).mapInArrow(_column_reader(file, limits), ddl(COUNTS)))
    every = reduce(DataFrame.unionByName, tables)
    return every.groupBy("first", "joiner", "second").agg(F.sum("count").alias("count"))


def accounts_by_file(counts: DataFrame) -> dict[int, list[PageAccount]]:
    """The accounts among the rows of `count_ngrams`, by the number of their file."""
    found: dict[int, list[PageAccount]] = {}
    for row in counts.filter(F.col("joiner").isNull()).collect():
        values = json.loads(row["first"])
        found.setdefault(values["file"], []).append(PageAccount(**values["account"]))
    return found


def _texts_of(spark: SparkSession, path: str) -> DataFrame:
    try:
        if is_local(path):  # Spark tells of a broken file with a page of Java
            pq.read_schema(local_path(path))
        table = spark.read.parquet(path)
    except (AnalysisException, OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path} can't be read as Parquet ({str(error).splitlines()[0]}).") from error
    if dict(table.dtypes).get("text") != "string":
        raise UserError(f"{path} has no column text of strings; give a file in the layout of wikimedia/wikipedia.")
    return table.select("text")


def _range_reader(
    files: tuple[TextFile, ...], limits: PageLimits, storage: StorageOptions
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    by_number = {file.number: file for file in files}

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                file = by_number[row["file"]]
                account = PageAccount()
                texts = read_texts(file.ranges[row["part"]], limits, storage, account, file.hidden)
                yield from _counted(_readable(texts, account), file.language, account)
                yield _account_row(file.number, str(row["part"]), account)

    return read


def _readable(texts: Iterator[str], account: PageAccount) -> Iterator[str]:
    """The texts up to where a file that was given up breaks off."""
    try:
        yield from texts
    except InputError:
        account.damaged_parts += 1


def _column_reader(
    file: TextFile, limits: PageLimits
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        account = PageAccount()
        yield from _counted(_usable(batches, limits, account), file.language, account)
        context = TaskContext.get()
        yield _account_row(file.number, str(context.partitionId() if context else 0), account)

    return read


def _usable(batches: Iterator[pa.RecordBatch], limits: PageLimits, account: PageAccount) -> Iterator[str]:
    for batch in batches:
        for text in batch.column(0).to_pylist():
            if text is None or not text.strip():
                account.count("no_text")
            elif len(text.encode()) > limits.max_bytes:
                account.count("too_long")
            else:
                account.count("used")
                yield text


def _counted(texts: Iterator[str], language: str, account: PageAccount) -> Iterator[pa.RecordBatch]:
    segmenter = Segmenter(language)
    counts = NgramCounts()
    for text in texts:
        account.plain_bytes += len(text.encode())
        account.tokens += counts.add(segmenter.runs(text))
        if len(counts) > _MOST_NGRAMS:
            yield from _count_rows(counts, segmenter.joiner)
            counts = NgramCounts()
    yield from _count_rows(counts, segmenter.joiner)


def _count_rows(counts: NgramCounts, joiner: str) -> Iterator[pa.RecordBatch]:
    words = list(counts.unigrams.items())
    for start in range(0, len(words), _ROWS):
        firsts, numbers = zip(*words[start : start + _ROWS], strict=True)
        yield _rows(list(firsts), "", [None] * len(firsts), list(numbers))
    pairs = list(counts.bigrams.items())
    for start in range(0, len(pairs), _ROWS):
        both, numbers = zip(*pairs[start : start + _ROWS], strict=True)
        yield _rows([first for first, _ in both], joiner, [second for _, second in both], list(numbers))


def _account_row(file: int, part: str, account: PageAccount) -> pa.RecordBatch:
    # With the part's name no two rows are equal, which would be added up to one.
    values = {"file": file, "part": part, "account": dataclasses.asdict(account)}
    return _rows([json.dumps(values)], None, [None], [1])


def _rows(firsts: list[str], joiner: str | None, seconds: list[str | None], counts: list[int]) -> pa.RecordBatch:
    joiners = pa.array([joiner] * len(firsts), pa.string())
    columns = [pa.array(firsts, pa.string()), joiners, pa.array(seconds, pa.string()), pa.array(counts, pa.int64())]
    return pa.RecordBatch.from_arrays(columns, schema=COUNTS)
