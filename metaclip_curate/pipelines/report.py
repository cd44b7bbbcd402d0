"""Writing the report of a run: report.html, and figures/ with its charts."""

from __future__ import annotations

import base64
import dataclasses
import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import storage
from metaclip_curate.console.interrupts import interruption_of
from metaclip_curate.errors import UserError
from metaclip_curate.images.thumbnails import thumbnails
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.pipelines.drawn_figures import remove_figures
from metaclip_curate.pipelines.passes import passes_over
from metaclip_curate.report import figures, scopes
from metaclip_curate.report.chart import Chart, Data
from metaclip_curate.report.charts import all_charts
from metaclip_curate.report.facts import Facts, Picture
from metaclip_curate.report.page import fingerprint_mark, render
from metaclip_curate.run import folder_names
from metaclip_curate.run.finished import finished_stages
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.tables import damage_named, open_table
from metaclip_curate.schemas import MANIFEST
from metaclip_curate.stages.report.facts import Gatherer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_HEAD_BYTES = 4096
# The tables that are read.
_READ = (
    ("dedup", "distinct"),
    ("match", "screened"),
    ("match", "matched"),
    ("count", "counts"),
    ("sample", "manifest"),
)

Log = Callable[[str], None]


def write_report(
    folder: RunFolder,
    spark: Callable[[], SparkSession],
    options: ReportOptions,
    log: Log = print,
    download: str = "",
) -> tuple[str, ...]:
    """Writes a report; without charts if the library that draws them isn't installed.

    Args:
        folder: A run folder.
        spark: Returns the session, of which only a large run has need.
        options: Languages whose charts are written to figures/.
        log: Receives log lines.
        download: Path or URL of the run's download, of which small pictures are shown; empty for none.

    Returns:
        The files that were written, relative to the run folder, the page last.

    Raises:
        UserError: The stage extract isn't finished, a requested language has no matched pairs, or the download has no
            image of the manifest.
    """
    finished = finished_stages(folder)
    if not finished:
        folder.require("extract")
    library = figures.converter()
    if library is None:
        log(f"report: {figures.NO_CHARTS}")
    shown = pictures(folder, download) if download else ()
    with folder.owned():
        folder.require_owner()
        facts = _facts(folder, finished, spark, options.safe)
        facts = dataclasses.replace(facts, pictures=shown)
        files = {}
        if library:
            drawn = figures.figures(library, charts_to_draw(facts, options.figure_languages))
            files = {storage.join(folder_names.FIGURES, name): data for name, data in drawn.items()}
        # The page is written last: its fingerprint means that the report is complete.
        files[folder_names.REPORT] = render(facts, figures.script(library) if library else "")
        folder.require_owner()
        remove_figures(folder, files)
        for name, data in files.items():
            storage.write_bytes(storage.join(folder.root, name), data, folder.options)
    return tuple(files)


def _facts(folder: RunFolder, finished: Sequence[str], spark: Callable[[], SparkSession], safe: bool) -> Facts:
    passes = passes_over(folder, [(stage, table) for stage, table in _READ if stage in finished], spark)
    with damage_named(folder):
        return Gatherer(folder, finished, passes, safe).facts()


def pictures(folder: RunFolder, download: str) -> tuple[Picture, ...]:
    """Makes small pictures of a sample of the kept pairs whose image was downloaded.

    Args:
        folder: A run folder with the stage sample finished.
        download: Path or URL of the folder that img2dataset wrote.

    Raises:
        UserError: The run has no manifest, Pillow is missing, or the folder has no image of the manifest.
    """
    table = open_table(folder, "sample", "manifest", MANIFEST)
    kept: dict[str, dict[str, Any]] = {}

    def known(uids: Collection[str]) -> Collection[str]:
        among = pc.field("uid").isin(pa.array(uids, pa.string()))
        rows = table.to_table(columns=["uid", "text", "lang"], filter=among).to_pylist()
        kept.update({row["uid"]: row for row in rows})
        return kept

    found = thumbnails(download, folder.options, known)
    return tuple(
        Picture(
            each.uid,
            kept[each.uid]["text"],
            kept[each.uid]["lang"].split("_")[0],
            f"data:image/jpeg;base64,{base64.b64encode(each.jpeg).decode()}",
            each.width,
            each.height,
        )
        for each in found
    )


def write_after_run(folder: RunFolder, spark: Callable[[], SparkSession], options: ReportOptions, log: Log) -> None:
    """Writes the report of a run that has just ended, unless it is current or was turned off.

    The run is complete without a report. So a failure isn't raised but logged, with the command that tries again. Only
    an interruption is raised.

    Args:
        folder: The run folder.
        spark: Returns the session.
        options: Whether to write a report, and the languages whose charts are written.
        log: Receives log lines.
    """
    if options.no_report:
        return
    started = time.monotonic()
    try:
        if is_current(folder):
            log("report: done before")
            return
        log("report: starting")
        files = write_report(folder, spark, options, log)
    except Exception as error:  # the tables are complete whatever it is
        if interruption := interruption_of(error):
            raise interruption from error
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        again = f"metaclip-curate report --run {folder.root}"
        log(f"report: not written ({reason}); the run is complete, and `{again}` tries again")
        return
    log(f"report: {storage.join(folder.root, files[-1])}, in {time.monotonic() - started:.1f} s")


def charts_to_draw(facts: Facts, languages: tuple[str, ...]) -> dict[str, tuple[Chart, Data]]:
    """Returns the charts that are written to figures/, by file name without the extension.

    Args:
        facts: What the report shows.
        languages: Languages that have charts of their own besides those of all languages.

    Raises:
        UserError: A language has no matched pairs.
    """
    known, fixed = scopes.scopes(facts), scopes.fixed(facts)
    for language in languages:
        if language not in known:
            raise UserError(f"--figure-languages names {language}, which has no matched pairs in this run")
    curation = facts.curation
    charts = all_charts(curation.position_name if curation else "")
    found = {chart.name: (chart, fixed[chart.name]) for chart in charts if chart.name in fixed}
    if curation is None:
        return found
    for scope in (scopes.ALL, *languages):
        data = scopes.charts(curation, scope)
        found |= {
            f"{chart.name}-{scope}".rstrip("-"): (chart, data[chart.name]) for chart in charts if chart.of_language
        }
    return found


def is_current(folder: RunFolder) -> bool:
    """Returns whether the run has a report of its present tables."""
    finished = finished_stages(folder)
    if not finished:
        return False
    try:
        page = storage.read_bytes(storage.join(folder.root, folder_names.REPORT), folder.options)
    except FileNotFoundError:
        return False
    return fingerprint_mark(folder.fingerprint(finished[-1])).encode() in page[:_HEAD_BYTES]
