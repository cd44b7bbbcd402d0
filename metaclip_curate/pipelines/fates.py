"""What became of each pair of a finished run, as a table and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from metaclip_curate.inspect.pair_rules import PairRules, tables_of_pairs
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.fates import FatesOptions
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run import folder_names
from metaclip_curate.run.fates import Fate
from metaclip_curate.run.summaries import BalanceSummary, DedupSummary, MatchSummary
from metaclip_curate.schemas import COUNTS, FATES, MANIFEST, MATCHED, SCREENED
from metaclip_curate.screens.reasons import IMAGE_REASONS, REASONS
from metaclip_curate.stages.after.fates import fate_sums, pair_fates, with_entries
from metaclip_curate.stages.sample import head_entries
from metaclip_curate.stages.shared.parquet_files import Layout
from metaclip_curate.stages.shared.tables import read_named, write_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ENTRIES = pa.field("entries", pa.list_(pa.string()))
_REPEATING = ("lang", "metadata_lang", "fate", "reason")


@dataclass(frozen=True)
class FateCounts:
    """How many pairs of a run have each fate.

    `pairs`, `purged` and the sum of `lost` add up to the distinct pairs of a run, or to the manifest that a rebalanced
    run was made from.

    Attributes:
        pairs: Number of pairs.
        fates: Number of pairs by fate, those with none included.
        screened: Number of rejected pairs by reason.
        purged: Number of pairs whose rows `remove --purge` has removed, and of which nothing is known any more.
        lost: Of a rebalanced run, number of pairs that have no row since their image wasn't downloaded or is equal to
            another one, by reason.
        files: Number of files that were written.
    """

    pairs: int
    fates: Mapping[str, int]
    screened: Mapping[str, int]
    purged: int
    lost: Mapping[str, int]
    files: int


def find_fates(run: FinishedRun, options: FatesOptions) -> FateCounts:
    """Counts the pairs by what became of them, and writes a table of all of them.

    Args:
        run: Run that is finished up to sample.
        options: Folder to write, or none, and the columns.

    Raises:
        UserError: The folder to write isn't empty, or is a file.
    """
    if options.output:
        folder_names.require_empty_folder(options.output, run.folder.options)
    fates, files = _fates(run, options.language_table), 0
    if options.output:
        schema = FATES
        if options.entries:
            fates, schema = with_entries(fates, run.read("count", "counts", COUNTS)), FATES.append(_ENTRIES)
        layout = Layout(schema, _REPEATING, statistics=("uid",))
        written = write_table(fates, layout, options.output, run.folder.options)
        fates, files = read_named(run.spark, options.output, written, schema), len(written)
    return _counted(run, fates, files)


def _fates(run: FinishedRun, language_table: str) -> DataFrame:
    folder = run.folder
    rules = PairRules.of(folder, language_table)
    counts, matched = run.read("count", "counts", COUNTS), run.read("match", "matched", MATCHED)
    balanced = folder.summary(BalanceSummary)
    head = head_entries(counts, [(row.metadata_lang, row.t, row.entries) for row in balanced.languages])
    drawn = folder.options_of("sample")
    draw = DrawOptions(int(drawn["seed"]), drawn["texts_per_image"])
    pairs = [run.read(*table) for table in tables_of_pairs(folder)]
    screened, manifest = run.read("match", "screened", SCREENED), run.read("sample", "manifest", MANIFEST)
    return pair_fates(pairs, matched, screened, manifest, rules, (draw, head))


def _counted(run: FinishedRun, fates: DataFrame, files: int) -> FateCounts:
    by_fate: dict[str, int] = {str(fate): 0 for fate in Fate}
    by_reason = dict.fromkeys((*REASONS, *IMAGE_REASONS), 0)
    for (fate, reason), pairs in fate_sums(fates).items():
        by_fate[fate] += pairs
        if reason:
            by_reason[reason] += pairs
    total = sum(by_fate.values())
    download = run.folder.summary(MatchSummary).download
    lost = {reason: pairs for reason, pairs in download.lost.items() if reason not in IMAGE_REASONS} if download else {}
    begun = download.manifest - sum(lost.values()) if download else run.folder.summary(DedupSummary).distinct
    return FateCounts(
        pairs=total,
        fates=by_fate,
        screened={reason: pairs for reason, pairs in by_reason.items() if pairs},
        purged=begun - total,
        lost=lost,
        files=files,
    )
