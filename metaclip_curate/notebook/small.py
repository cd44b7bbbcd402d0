"""Curation of a table that one core can process: the functions of the stages in a row, without Spark."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.balance import entry_probabilities
from metaclip_curate.errors import UserError
from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.notebook.distinct_batches import with_language
from metaclip_curate.notebook.match_batches import SORTED_BY, MatchRules, counts_of, summary_of
from metaclip_curate.notebook.options import CurateOptions
from metaclip_curate.notebook.table_pairs import TablePairs, table_summary
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.run.funnel import Funnel, table_funnel
from metaclip_curate.run.summaries import ExtractSummary, MatchSummary
from metaclip_curate.schemas import COUNTS, DISTINCT, MANIFEST, MATCHED, Kept, with_kept
from metaclip_curate.stages.draw_rows import drawing_rows, kept_rows
from metaclip_curate.stages.keep_probabilities import Head, LanguageHead, with_probabilities
from metaclip_curate.stages.match_task import MatchStats
from metaclip_curate.stages.occurrence_sums import OccurrenceSums, count_rows
from metaclip_curate.stages.shared.exact_sums import rounded_sum
from metaclip_curate.stages.shared.sorted_batches import by_language
from metaclip_curate.stages.threshold_rows import ExpectedPairs, chosen_thresholds, threshold_rows
from metaclip_curate.thresholds import CountHistogram

_ROWS_PER_BATCH = 1 << 14


@dataclass(frozen=True)
class CuratedTable:
    """The result of a curation.

    Attributes:
        kept: The kept pairs, rows of `schemas.MANIFEST` with the kept columns, in the random order of a manifest.
        counts: Rows of `schemas.COUNTS`.
        thresholds: Rows of `schemas.THRESHOLDS`.
        funnel: How many rows gave pairs, matched and were kept, and why the others were left out.
    """

    kept: pa.Table
    counts: pa.Table
    thresholds: pa.Table
    funnel: Funnel


def curate_small(
    table: pa.Table, metadata: str | Path, t: int | None = None, options: CurateOptions | None = None
) -> CuratedTable:
    """Curates a table of pairs on one core and in memory.

    The kept pairs are those that the command keeps of the same table in a Parquet file; the column source_file is
    empty. Of equal pairs the first row stays.

    Args:
        table: A column of URLs and one of texts or lists of texts, whose names are found or are in `options.pool`. Data
            frames that Arrow can convert, such as those of pandas and polars, are taken as well.
        metadata: Path or URL of the metadata folder.
        t: Threshold of the anchor language. Default: that of `options.balance`, 20,000.
        options: The other options.

    Raises:
        UserError: The table lacks a column, the metadata folder can't be used, or the anchor language has no match.
    """
    chosen = CurateOptions.of(options).given(metadata, t)
    rows = _as_table(table)
    pairs = TablePairs.of([(field.name, field.type) for field in rows.schema], chosen.pool)
    distinct, extracted = _distinct(rows, pairs, chosen.dedup.lid_model)
    folder = MetadataFolder.open(chosen.match.metadata, chosen.storage)
    used = folder.among(chosen.match.languages)
    rules = MatchRules.of(chosen, folder, {language: folder.digest(language) for language in used})
    matched, summary = _matched(distinct, rules.keeping(pairs.kept))
    counts = _counts(matched, folder)
    thresholds, head = _balanced(matched, counts, chosen)
    kept = _kept(matched, head, chosen.draw, pairs.kept)
    expected = sum(thresholds.column("expected_pairs").to_pylist())
    funnel = table_funnel(extracted, summary, expected, kept.num_rows)
    return CuratedTable(kept, counts, thresholds, funnel)


def _as_table(given: Any) -> pa.Table:
    if isinstance(given, pa.Table):
        return given
    # What pandas, polars, DuckDB and others have: the Arrow PyCapsule interface.
    if hasattr(given, "__arrow_c_stream__"):
        try:
            return pa.table(given)
        except pa.ArrowException as error:
            reason = " ".join(map(str, error.args))
            raise UserError(
                f"the data frame can't be converted to Arrow ({reason}): give that column one type"
            ) from error
    raise UserError(f"curate_small takes an Arrow table or a data frame, not {type(given).__name__}: convert it first")


def _distinct(table: pa.Table, pairs: TablePairs, lid_model: str) -> tuple[pa.Table, ExtractSummary]:
    stats = InputStats("")
    batches = [with_language(batch, lid_model) for batch in pairs.read(table.to_batches(), stats, unique=True)]
    distinct = pa.Table.from_batches(batches, with_kept(DISTINCT, pairs.kept))
    return distinct, table_summary([dataclasses.asdict(stats)], distinct.num_rows)


def _matched(distinct: pa.Table, rules: MatchRules) -> tuple[pa.Table, MatchSummary]:
    stats = MatchStats()
    keyed = pa.Table.from_batches(
        list(map(rules.with_sort_keys, distinct.to_batches())), rules.with_sort_keys(_no_rows(distinct)).schema
    )
    ordered = keyed.sort_by([(name, "ascending") for name in SORTED_BY])
    batches = list(rules.match(ordered.to_batches(max_chunksize=_ROWS_PER_BATCH), stats))
    matched = pa.Table.from_batches(batches, with_kept(MATCHED, rules.task.kept))
    return matched, summary_of([counts_of(stats)], rules.task.metadata)


def _no_rows(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=table.schema)


def _counts(matched: pa.Table, folder: MetadataFolder) -> pa.Table:
    sums = OccurrenceSums()
    for language, rows in _by_language(matched):
        sums.add(language, rows.column("entry_ids").flatten().to_numpy())
    languages = sorted(language for language, _, _ in sums.found())
    return pa.Table.from_batches(list(count_rows(languages, sums, folder.entries)), COUNTS)


def _by_language(rows: pa.Table) -> Iterator[tuple[str, pa.RecordBatch]]:
    for batch in rows.to_batches():
        yield from by_language(batch)


def _balanced(matched: pa.Table, counts: pa.Table, options: CurateOptions) -> tuple[pa.Table, Head]:
    """Returns rows of `schemas.THRESHOLDS`, and the entries that are down-sampled."""
    of_language = {
        language: counts.filter(pc.equal(counts.column("metadata_lang"), language)).column("count").to_numpy()
        for language in counts.column("metadata_lang").unique().to_pylist()
    }
    histograms = {
        language: CountHistogram(*np.unique(each, return_counts=True)) for language, each in of_language.items()
    }
    thresholds = chosen_thresholds(histograms, options.balance)
    head = {}
    for language, each in of_language.items():
        ids = np.flatnonzero(each > thresholds[language]).astype(np.int32)
        head[language] = LanguageHead(len(each), ids, entry_probabilities(each[ids], thresholds[language]))
    found = ExpectedPairs()
    for rows, probabilities in with_probabilities(iter(drawing_rows(matched, options.draw)), head):
        found.add(rows.column("metadata_lang")[0].as_py(), probabilities)
    expected = {each.language: rounded_sum(each.high, each.low) for each in found.sums()}
    values = matched.column("metadata_lang").value_counts().to_pylist()
    pairs = {each["values"]: each["counts"] for each in values}
    return pa.Table.from_batches([threshold_rows(histograms, thresholds, pairs, expected)]), head


def _kept(matched: pa.Table, head: Head, draw: DrawOptions, kept: Kept) -> pa.Table:
    schema = with_kept(MANIFEST, kept).append(pa.field("order_key", pa.int64()))
    drawn = [
        kept_rows(rows, probabilities, draw.seed)
        for rows, probabilities in with_probabilities(iter(drawing_rows(matched, draw)), head)
    ]
    rows = pa.Table.from_batches(drawn, schema)
    return rows.sort_by([("order_key", "ascending"), ("uid", "ascending")]).drop_columns("order_key")
