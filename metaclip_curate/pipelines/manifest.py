"""The manifest of a run: drawn, written, compared with what it was drawn from, and described by the data card."""

from __future__ import annotations

from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.passes import passes_over
from metaclip_curate.pipelines.workspace import Workspace
from metaclip_curate.publish.datacard import build_datacard
from metaclip_curate.run import folder_names
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.summaries import BalanceSummary, MatchSummary, SampleSummary
from metaclip_curate.run.tables import damage_named
from metaclip_curate.schemas import COUNTS, ddl, with_kept
from metaclip_curate.stages.after.datacard import language_totals
from metaclip_curate.stages.draw import DrawTask, draw_files
from metaclip_curate.stages.draw_rows import ORDERED
from metaclip_curate.stages.manifest import ManifestFiles, write_manifest
from metaclip_curate.stages.sample import head_entries
from metaclip_curate.stages.shared.tables import read_files


def draw_manifest(work: Workspace, options: Options, command: str) -> tuple[SampleSummary, list[PartFile]]:
    """Draws, and writes the manifest and its data card.

    Args:
        work: The run folder, with the stage sample begun.
        options: Options of the run.
        command: The command line, for the data card.

    Returns:
        The result, and the manifest's files.

    Raises:
        JobFailedError: The manifest hasn't all pairs that it should have.
    """
    spark, folder = work.spark, work.folder
    counts = work.read("count", "counts", COUNTS)
    balanced = folder.summary(BalanceSummary)
    head = head_entries(counts, [(row.metadata_lang, row.t, row.entries) for row in balanced.languages])
    files = [file.url for file in folder.table_files("match", "matched")]
    drawn_folder = folder.work("kept")
    columns = folder.kept_columns()
    read, drawn = draw_files(spark, DrawTask(files, head, options.draw, drawn_folder, folder.options, columns))
    if options.draw.texts_per_image == "all":  # else files without a text that draws aren't read
        work.require_all("sample", "matched pairs", read, balanced.pairs)
    kept = read_files(spark, [drawn_folder], ddl(with_kept(ORDERED, columns)))
    manifest = ManifestFiles(folder.table("manifest"), options.sample.rows_per_file, folder.options, columns)
    written = write_manifest(spark, kept, drawn, manifest)
    pairs = sum(file.rows for file in written)
    work.require_all("sample", "drawn pairs", pairs, drawn)
    passes = passes_over(folder, [("match", "matched"), ("count", "counts")], lambda: spark, written)
    with damage_named(folder):
        totals = tuple(language_totals(passes, balanced.languages))
    work.require_all("sample", "pairs of the manifest", sum(row.pairs_out for row in totals), pairs)
    provenance = {"command": command, "spark": spark.version, "metadata": folder.summary(MatchSummary).metadata}
    folder.write_small(folder_names.DATACARD, build_datacard(folder, totals, provenance))
    return SampleSummary(len(written), pairs, totals), written
