"""metaclip-curate download: a run's images into webdataset shards."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaclip_curate.commands.command import RUN_READ_BY_SPARK, SESSION_ONLY, Command, Given
from metaclip_curate.commands.output import log_of, print_blocks, print_json
from metaclip_curate.console.text_table import number, share, text_table
from metaclip_curate.options.download import DownloadOptions
from metaclip_curate.options.printing import PrintOptions

if TYPE_CHECKING:
    from metaclip_curate.images.outcome import Outcome

_REASONS_SHOWN = 12


def _run(given: Given, words: Sequence[str]) -> None:
    from metaclip_curate.pipelines.download import download_images

    options: DownloadOptions = given["download"]
    outcome = download_images(given["source"].run, options, given["storage"], given["session"], log_of(given["print"]))
    if given["print"].json:
        print_json(dataclasses.asdict(outcome))
    else:
        print_blocks(_table(outcome), f"{outcome.shards:,} shards in {options.output}")


def _table(outcome: Outcome) -> str:
    rows = [("requested images", outcome.rows), ("  fetched", outcome.fetched)]
    reasons = [(f"  {' '.join(reason.split())[:90]}", count) for reason, count in outcome.reasons.items()]
    rows += reasons[:_REASONS_SHOWN]
    if rest := reasons[_REASONS_SHOWN:]:
        rows.append((f"  {len(rest)} other reasons", sum(count for _, count in rest)))
    return text_table(
        ["", "number", "share"], [[name, number(count), share(count, outcome.rows)] for name, count in rows], "<>>"
    )


COMMAND = Command(
    "download",
    "fetch a run's images with img2dataset, into shards for training",
    {**RUN_READ_BY_SPARK, "download": DownloadOptions, "print": PrintOptions},
    _run,
    examples=(
        "--run out --output images",
        "--run out --table matched --image-size 512 --output images --processes 8",
    ),
    leave_out=SESSION_ONLY,
    resumes=True,
)
