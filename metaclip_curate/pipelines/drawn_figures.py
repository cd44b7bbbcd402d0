"""The figures that earlier reports have drawn in a run folder."""

from __future__ import annotations

import re
from collections.abc import Collection

from metaclip_curate import storage
from metaclip_curate.report import figures
from metaclip_curate.report.charts import all_charts
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder


def remove_figures(folder: RunFolder, kept: Collection[str] = ()) -> None:
    """Removes the figures of an earlier report; other files in the folder are the user's.

    Args:
        folder: The run folder.
        kept: Files that stay, relative to the run folder.
    """
    charts = "|".join(re.escape(chart.name) for chart in all_charts(""))
    drawn = re.compile(rf"({charts})(-[\w-]+)?\.({'|'.join(figures.EXTENSIONS)})")
    for name in storage.list_folder(storage.join(folder.root, folder_names.FIGURES), folder.options):
        path = storage.join(folder_names.FIGURES, name)
        if drawn.fullmatch(name) and path not in kept:
            storage.delete_file(storage.join(folder.root, path), folder.options)
