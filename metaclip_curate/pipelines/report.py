"""Writing the report of a run: report.html, and figures/ with its charts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from metaclip_curate import storage
from metaclip_curate.console.interrupts import interruption_of
from metaclip_curate.errors import UserError
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.report import figures, scopes
from metaclip_curate.report.chart import Chart, Data
from metaclip_curate.report.charts import all_charts
from metaclip_curate.report.facts import Facts
from metaclip_curate.report.page import fingerprint_mark, render
from metaclip_curate.run import folder_names
from metaclip_curate.run.finished import finished_stages
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.stages.report.facts import Gatherer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_HEAD_BYTES = 4096

Log = Callable[[str], None]


def write_report(
    folder: RunFolder, spark: Callable[[], SparkSession], options: ReportOptions, log: Log = print
) -> tuple[str, ...]:
    """Writes a report; without charts if the library that draws them isn't installed.

    Args:
        folder: A run folder.
        spark: Returns the session.
        options: Languages whose charts are written to figures/.
        log: Receives log lines.

    Returns:
        The files that were written, relative to the run folder, the page last.

    Raises:
        UserError: The stage extract isn't finished, or a requested language has no matched pairs.
    """
    finished = finished_stages(folder)
    if not finished:
        folder.require("extract")
    library = figures.converter()
    if library is None:
        log(f"report: {figures.NO_CHARTS}")
    with folder.owned():
        folder.require_owner()
        facts = Gatherer(folder, finished, spark(), options.safe).facts()
        files = {}
        if library:
            drawn = figures.figures(library, charts_to_draw(facts, options.figure_languages))
            files = {storage.join(folder_names.FIGURES, name): data for name, data in drawn.items()}
        # The page is written last: its fingerprint means that the report is complete.
        files[folder_names.REPORT] = render(facts, figures.script(library) if library else "")
        folder.require_owner()
        _remove_old_figures(folder, files)
        for name, data in files.items():
            storage.write_bytes(storage.join(folder.root, name), data, folder.options)
    return tuple(files)


def _remove_old_figures(folder: RunFolder, files: Collection[str]) -> None:
    """Removes PNG files that only an earlier report has; other files in the folder are the user's."""
    charts = "|".join(re.escape(chart.name) for chart in all_charts(""))
    drawn = re.compile(rf"({charts})(-[\w-]+)?\.png")
    for name in storage.list_folder(storage.join(folder.root, folder_names.FIGURES), folder.options):
        path = storage.join(folder_names.FIGURES, name)
        if drawn.fullmatch(name) and path not in files:
            storage.delete_file(storage.join(folder.root, path), folder.options)


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
    """Returns the charts that are written as PNG files, by file name without the extension.

    Args:
        facts: What the report shows.
        languages: Languages that have charts of their own besides those of all languages.

    Raises:
        UserError: A language has no matched pairs.
    """
    of_scopes, fixed = scopes.scopes(facts), scopes.fixed(facts)
    for language in languages:
        if language not in of_scopes:
            raise UserError(f"--figure-languages names {language}, which has no matched pairs in this run")
    found: dict[str, tuple[Chart, Data]] = {}
    for chart in all_charts(facts.curation.position_name if facts.curation else ""):
        if not chart.of_language:
            found |= {chart.name: (chart, fixed[chart.name])} if chart.name in fixed else {}
            continue
        for scope in (scopes.ALL, *languages) if of_scopes else ():
            name = f"{chart.name}-{scope}" if scope else chart.name
            found[name] = (chart, of_scopes[scope]["charts"][chart.name])
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
