"""metaclip-curate report: the report of a run, written again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from metaclip_curate.commands.command import RUN_READ_BY_SPARK, SESSION_ONLY, Command, Given, recorded
from metaclip_curate.options.report import ReportOptions, ThumbnailOptions


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate import storage
    from metaclip_curate.pipelines.report import write_report
    from metaclip_curate.run.folder import RunFolder
    from metaclip_curate.run.owner import RunOwner
    from metaclip_curate.spark.session import get_session

    root, options = given["source"].run, given["storage"]
    folder = RunFolder(root, options, RunOwner(root, options, recorded(words)))
    started = time.monotonic()
    files = write_report(
        folder, lambda: get_session(given["session"]), given["report"], download=given["pictures"].thumbnails
    )
    print(f"report: {len(files):,} files in {time.monotonic() - started:.1f} s")
    print(storage.join(folder.root, files[-1]))


COMMAND = Command(
    "report",
    "write report.html and figures/ of a run, also of an unfinished one",
    {**RUN_READ_BY_SPARK, "report": ReportOptions, "pictures": ThumbnailOptions},
    _run,
    examples=("--run out", "--run out --figure-languages en,de,ja", "--run out --thumbnails images"),
    leave_out={**SESSION_ONLY, "report": ("no_report",)},
)
