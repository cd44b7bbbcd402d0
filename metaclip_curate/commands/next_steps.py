"""The commands with which to look at a run that has just ended."""

from __future__ import annotations

import shlex

from metaclip_curate import storage
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.summaries import SampleSummary
from metaclip_curate.run.tables import open_table
from metaclip_curate.schemas import MANIFEST


def next_steps(folder: RunFolder) -> str:
    """Returns a line for each thing to do with a finished run, with the command that does it.

    Args:
        folder: Run folder whose manifest is finished.
    """
    root, report = shlex.quote(folder.root), storage.join(folder.root, "report.html")
    steps = {}
    if storage.exists(report, folder.options):
        steps["see the curves"] = f"open {report} in a browser"
    thinned = max(folder.summary(SampleSummary).languages, key=lambda row: row.pairs_in - row.pairs_out, default=None)
    if thinned and thinned.pairs_in > thinned.pairs_out:
        steps["read dropped texts"] = (
            f"metaclip-curate browse --run {root} --language {thinned.metadata_lang} --dropped -n 5"
        )
    uids = open_table(folder, "sample", "manifest", MANIFEST).head(
        1, columns=["uid"], batch_readahead=0, fragment_readahead=0
    )
    for uid in uids.column("uid").to_pylist():
        steps["search the pairs"] = f"metaclip-curate explore --run {root}"
        steps["explain a pair"] = f"metaclip-curate explain --run {root} --uid {uid}"
        steps["fetch the images"] = f"metaclip-curate download --run {root} --output images"
    width = max(map(len, steps), default=0)
    return "\n".join(["Next steps", *(f"  {name:<{width}}  {command}" for name, command in steps.items())])
