"""The pairs of a manifest whose image was downloaded, as the matched pairs of another run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclip_curate.console.failures import EXIT_USER_ERROR, failure_of
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import MatchCounts
from metaclip_curate.run.summaries import DownloadLosses
from metaclip_curate.schemas import MANIFEST, MATCHED, with_kept
from metaclip_curate.stages.after.downloaded_pairs import (
    SUCCESS,
    downloaded_pairs,
    pair_outcomes,
    read_outcomes,
    without_equal_images,
)
from metaclip_curate.stages.match import LAYOUT, count_matches
from metaclip_curate.stages.shared.tables import read_named, write_table, write_temporary

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The part's name in run folders since the first version.
PART = "survivors"


@dataclass(frozen=True)
class Download:
    """What img2dataset wrote.

    Attributes:
        files: Its tables NNNNN.parquet.
        folders: Their folders, for messages.
        drop_equal_images: Whether of the pairs with equal image files only one stays.
    """

    files: Sequence[str]
    folders: Sequence[str]
    drop_equal_images: bool


def write_downloaded_pairs(
    source: FinishedRun, download: Download, folder: RunFolder
) -> tuple[DownloadLosses, dict[str, MatchCounts], list[PartFile]]:
    """Writes the manifest's pairs that were downloaded as a part of `matched`, which isn't committed.

    Args:
        source: The run with the manifest.
        download: The download of the manifest.
        folder: The new run folder, with the stage match begun.

    Returns:
        What became of the manifest's pairs, the counts of the part by language, and its files.

    Raises:
        UserError: No image was downloaded, or a file of the download can't be used.
    """
    kept = source.folder.kept_columns()
    manifest = source.read("sample", "manifest", with_kept(MANIFEST, kept))
    outcomes = _outcomes(source, manifest, download, folder.work("verdicts"))
    losses = _losses(outcomes)
    if not losses.survivors:
        folder.discard("extract")
        raise UserError(_nothing_left(source.folder.root, download.folders, losses))
    part = folder.part("matched", PART)
    written = write_table(downloaded_pairs(manifest, outcomes, kept), LAYOUT.keeping(kept), part, folder.options)
    found = count_matches(read_named(source.spark, part, written, MATCHED))
    pairs = sum(size for size, _ in found.values())
    if pairs != losses.survivors:
        raise JobFailedError(
            f"{losses.survivors:,} images were downloaded, and {pairs:,} pairs of them were read: try again"
        )
    counts = {
        language: MatchCounts(distinct=size, matched=size, occurrences=entries)
        for language, (size, entries) in found.items()
    }
    return losses, counts, written


def _outcomes(source: FinishedRun, manifest: DataFrame, download: Download, work: str) -> DataFrame:
    """Returns what became of each pair, written once, so that the losses and the pairs are of the same reading."""
    needed = ["uid", "status", *(["sha256"] if download.drop_equal_images else [])]
    read = read_outcomes(source.spark, download.files, needed, source.folder.options)
    try:
        outcomes = write_temporary(pair_outcomes(manifest, read), work)
    except Exception as error:  # Spark has no narrower one for a file that it or a worker can't read
        failure = failure_of(error)
        if failure is None or failure.status != EXIT_USER_ERROR:
            raise
        raise UserError(failure.message) from error
    return without_equal_images(outcomes) if download.drop_equal_images else outcomes


def _losses(outcomes: DataFrame) -> DownloadLosses:
    numbers = {(listed, state): n for listed, state, n in outcomes.groupBy("in_manifest", "status").count().collect()}
    lost = {state: n for (listed, state), n in sorted(numbers.items()) if listed and state != SUCCESS}
    downloaded = numbers.get((True, SUCCESS), 0)
    unknown = sum(n for (listed, _), n in numbers.items() if not listed)
    return DownloadLosses(downloaded + sum(lost.values()), downloaded, lost, unknown)


def _nothing_left(run: str, folders: Sequence[str], losses: DownloadLosses) -> str:
    named = ", ".join(folders)
    if set(losses.lost) <= {"missing"} and losses.unknown:
        return f"none of the {losses.unknown:,} samples in {named} is in the manifest of {run}: name its own download"
    reasons = ", ".join(f"{count:,} {status}" for status, count in losses.lost.items())
    return f"none of the images of {run} was fetched to {named} ({reasons}): download again"
