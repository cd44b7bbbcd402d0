"""Each stage as a function from DataFrames to DataFrames, on any session of Spark 3.5 or 4, Spark Connect included.

    pairs      = pairs(table)
    distinct   = dedup(pairs)
    matched    = match(distinct, options)
    counts     = count(matched, options)
    thresholds = balance(matched, counts, options)
    kept       = sample(matched, counts, thresholds, options)

Only `balance` and `sample` start jobs; the others return DataFrames that Spark computes when they are used, each time
anew unless they are persisted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate.errors import UserError
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.notebook.distinct_batches import with_language
from metaclip_curate.notebook.match_batches import LABEL, LANGUAGE, SORTED_BY, MatchRules, counts_of
from metaclip_curate.notebook.options import CurateOptions
from metaclip_curate.notebook.rows_and_stats import Counts, rows_and_stats, rows_of
from metaclip_curate.notebook.table_pairs import TablePairs
from metaclip_curate.pipelines.run_metadata import RunMetadata
from metaclip_curate.schemas import COUNTS, DISTINCT, MATCHED, PAIRS, Kept, arrow_type, ddl, with_kept
from metaclip_curate.stages import balance as balance_stage
from metaclip_curate.stages import count as count_stage
from metaclip_curate.stages.draw_rows import kept_rows
from metaclip_curate.stages.keep_probabilities import with_probabilities
from metaclip_curate.stages.match_task import MatchStats
from metaclip_curate.stages.sample import drawing_texts, head_entries
from metaclip_curate.stages.shared.sorted_batches import first_of_each_run

Batches = Iterator[pa.RecordBatch]

# Types in `DataFrame.dtypes` that tables don't have.
_ONLY_READ = {"void": pa.null(), "binary": pa.binary()}
_FIRST_COMPARED = ("uid", "crawl", "source_file")


def pairs(table: DataFrame, options: CurateOptions | None = None) -> DataFrame:
    """Turns rows with URLs and texts into pairs, by the rules for the files of pools.

    Args:
        table: A column of URLs and one of texts or lists of texts, whose names are found or are in `options.pool`.
        options: The names of the columns.

    Returns:
        Rows of `schemas.PAIRS` with the kept columns; equal pairs are all there.

    Raises:
        UserError: A column is missing or has a type that can't be used.
    """
    return rows_of(pairs_and_stats(table, options or CurateOptions()))


def pairs_and_stats(table: DataFrame, options: CurateOptions) -> DataFrame:
    """As `pairs`, with the counts of each task: fields of `InputStats`."""
    if not hasattr(table, "mapInArrow"):
        raise UserError(f"a DataFrame of Spark is needed, not {type(table)}: make one with spark.createDataFrame")
    types = [(name, _type_of(name, kind, options.pool.keep_columns)) for name, kind in table.dtypes]
    read = TablePairs.of(types, options.pool)
    names = list(read.columns.read)
    given = dict(table.dtypes)
    read.check({name: _read_type(name, given[name]) for name in names})

    def task(batches: Batches) -> tuple[Batches, Callable[[], Counts]]:
        stats = InputStats("")
        named = (batch.rename_columns(names) for batch in batches)
        return read.read(named, stats, unique=False), lambda: [dataclasses.asdict(stats)]

    # mapInArrow takes a dot in a column's name for a field of a struct.
    numbered = [F.col(_quoted(name)).alias(f"_{number}") for number, name in enumerate(names)]
    return rows_and_stats(table.select(*numbered), task, with_kept(PAIRS, read.kept))


def dedup(pairs: DataFrame, options: CurateOptions | None = None) -> DataFrame:
    """Keeps each uid once, and identifies the languages of the texts.

    A DataFrame has no order. Of equal uids the row stays whose other columns are the smallest, of which crawl and
    source_file are compared first and the others in the order of the table, so that the result is always the same.

    Args:
        pairs: Rows of `schemas.PAIRS` with any kept columns: from `pairs`, or the table `pairs` of a run.
        options: The language-ID model.

    Returns:
        Rows of `schemas.DISTINCT` with the kept columns.
    """
    model = (options or CurateOptions()).dedup.lid_model
    kept = _kept(pairs, PAIRS)
    others = [name for name in pairs.columns if name not in _FIRST_COMPARED]

    def run(batches: Batches) -> Batches:
        for batch in first_of_each_run(batches, ["uid"]):
            yield with_language(batch, model)

    ordered = pairs.select(with_kept(PAIRS, kept).names).repartition("uid")
    ordered = ordered.sortWithinPartitions(*_FIRST_COMPARED, *others)
    return ordered.mapInArrow(run, ddl(with_kept(DISTINCT, kept)))


def match(distinct: DataFrame, options: CurateOptions) -> DataFrame:
    """Finds the entries of its language in each text.

    Rows are sorted by language over all partitions, so that a worker holds one automaton at a time.

    Args:
        distinct: Rows of `schemas.DISTINCT` with any kept columns.
        options: The metadata folder in `options.match.metadata`, and how texts are matched.

    Returns:
        Rows of `schemas.MATCHED` with the kept columns.

    Raises:
        UserError: The metadata folder can't be used.
    """
    return rows_of(match_and_stats(distinct, match_rules(distinct.sparkSession, options)))


def match_rules(spark: SparkSession, options: CurateOptions) -> MatchRules:
    """Reads the lists and returns how pairs are matched with them.

    Raises:
        UserError: The metadata folder can't be used.
    """
    metadata = RunMetadata(options.match, options.storage, lambda: spark)
    return MatchRules.of(options, metadata.folder, metadata.digests)


def match_and_stats(distinct: DataFrame, rules: MatchRules) -> DataFrame:
    """As `match`, with the counts of each task, from `counts_of`."""
    kept = _kept(distinct, DISTINCT)
    keeping = rules.keeping(kept)

    def add_keys(batches: Batches) -> Batches:
        yield from map(keeping.with_sort_keys, batches)

    def task(batches: Batches) -> tuple[Batches, Callable[[], Counts]]:
        stats = MatchStats()
        return keeping.match(batches, stats), lambda: [counts_of(stats)]

    schema = with_kept(DISTINCT, kept)
    keyed = distinct.select(schema.names).mapInArrow(add_keys, f"{ddl(schema)}, {LANGUAGE} string, {LABEL} string")
    ordered = keyed.repartitionByRange(*SORTED_BY).sortWithinPartitions(*SORTED_BY)
    return rows_and_stats(ordered, task, with_kept(MATCHED, kept))


def count(matched: DataFrame, options: CurateOptions) -> DataFrame:
    """Counts the texts that contain each entry.

    Args:
        matched: Rows of `schemas.MATCHED`.
        options: The metadata that they were matched with.

    Returns:
        Rows of `schemas.COUNTS`: all entries of the languages with a matched text.

    Raises:
        UserError: The metadata folder can't be used.
    """
    _kept(matched, MATCHED)
    return count_with(matched, match_rules(matched.sparkSession, options))


def count_with(matched: DataFrame, rules: MatchRules) -> DataFrame:
    """As `count`, with the lists of rules."""
    task = rules.task
    return count_stage.counts(matched, count_stage.ListedEntries(task.metadata, task.digests, task.storage))


def balance(matched: DataFrame, counts: DataFrame, options: CurateOptions | None = None) -> pa.Table:
    """Chooses each language's threshold, and computes how many pairs it is expected to keep.

    Args:
        matched: Rows of `schemas.MATCHED`.
        counts: Rows of `schemas.COUNTS`.
        options: How thresholds are chosen and pairs drawn.

    Returns:
        Rows of `schemas.THRESHOLDS`, one for each language with a matched text. They are few, and come to the driver.

    Raises:
        UserError: The anchor language has no match and no other rule is asked for.
    """
    chosen = options or CurateOptions()
    _kept(matched, MATCHED)
    _kept(counts, COUNTS)
    return pa.Table.from_batches([balance_stage.balance(matched, counts, chosen.balance, chosen.draw)])


def sample(
    matched: DataFrame, counts: DataFrame, thresholds: pa.Table, options: CurateOptions | None = None
) -> DataFrame:
    """Draws the pairs.

    Args:
        matched: Rows of `schemas.MATCHED` with any kept columns.
        counts: Rows of `schemas.COUNTS`.
        thresholds: Rows of `schemas.THRESHOLDS`.
        options: Seed and number of texts per image.

    Returns:
        Rows of `schemas.MANIFEST` with the kept columns.
    """
    draw = (options or CurateOptions()).draw
    _kept(counts, COUNTS)
    if not isinstance(thresholds, pa.Table):
        raise UserError(f"thresholds must be the table that balance returns, not {type(thresholds).__name__}")
    columns = (thresholds.column(name).to_pylist() for name in ("metadata_lang", "t", "entries"))
    head = head_entries(counts, list(zip(*columns, strict=True)))
    schema = with_kept(MATCHED, _kept(matched, MATCHED))

    def run(batches: Batches) -> Batches:
        for rows, probabilities in with_probabilities(batches, head):
            yield kept_rows(rows, probabilities, draw.seed).drop_columns(["order_key"])

    drawing = drawing_texts(matched.select(schema.names), draw)
    return drawing.mapInArrow(run, f"{ddl(schema)}, keep_probability double, draw double")


def _kept(rows: DataFrame, schema: pa.Schema) -> Kept:
    """Returns the columns that a table has beside those of its schema."""
    missing = [name for name in schema.names if name not in rows.columns]
    if missing:
        raise UserError(
            f"the DataFrame has no column {missing[0]}: give this function what the one before it returns, which is "
            "pairs for dedup, dedup for match, match for count, and match and count for balance and sample"
        )
    added = [(name, kind) for name, kind in rows.dtypes if name not in schema.names]
    return tuple(pa.field(name, _type_of(name, kind, [name])) for name, kind in added)


def _type_of(name: str, kind: str, kept: Sequence[str]) -> pa.DataType | None:
    """Returns the type of a column; None for one that isn't kept and has a type that tables don't have."""
    found = arrow_type(kind)
    if found is None and name in kept:
        raise UserError(
            f"the column {name} has the type {kind}, which can't be kept: convert it to a string, a number, a boolean "
            "or a list of them, or leave it out"
        )
    return found


def _read_type(name: str, kind: str) -> pa.DataType:
    """Returns a type like that of a column in a task, where URLs, texts and ids are read from it.

    Raises:
        UserError: They can't be read from such a column.
    """
    found = _ONLY_READ.get(kind, arrow_type(kind))
    if found is None and kind.startswith("array<"):
        found = pa.list_(_read_type(name, kind.removeprefix("array<").removesuffix(">")))
    if found is None and kind.startswith("decimal("):
        found = pa.decimal128(38)
    if found is None and kind.startswith(("char(", "varchar(", "string ")):  # the last has a collation
        found = pa.string()
    if found is None:
        raise UserError(
            f"the table can't be read as pairs: its column {name} has the type {kind}, and strings are needed: name "
            "another column"
        )
    return found


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
