"""The pairs of a manifest whose image was downloaded, as the matched pairs of another run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclip_curate import storage
from metaclip_curate.console.failures import EXIT_USER_ERROR, failure_of
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.pipelines.image_screening import ImageScreening
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import MatchCounts
from metaclip_curate.run.summaries import DownloadLosses
from metaclip_curate.schemas import MANIFEST, MATCHED, SCREENED_IMAGES, with_kept
from metaclip_curate.screens.reasons import IMAGE_REASONS, REASON_NAMES
from metaclip_curate.stages.after.downloaded_pairs import (
    SCREENED_IMAGES_LAYOUT,
    SUCCESS,
    count_reasons,
    downloaded_pairs,
    fetched_pairs,
    pair_outcomes,
    read_outcomes,
    screened_pairs,
    with_reasons,
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
        screening: Screens of the images; None for none.
    """

    files: Sequence[str]
    folders: Sequence[str]
    drop_equal_images: bool
    screening: ImageScreening | None = None


@dataclass(frozen=True)
class WrittenPairs:
    """The pairs of a download as a part of `matched` and `screened`.

    Attributes:
        losses: What became of the manifest's pairs.
        languages: Counts by language.
        matched: Files of the pairs that stay.
        screened: Files of the pairs that are rejected for their image.
    """

    losses: DownloadLosses
    languages: Mapping[str, MatchCounts]
    matched: Sequence[PartFile]
    screened: Sequence[PartFile] = ()


def write_downloaded_pairs(source: FinishedRun, download: Download, folder: RunFolder) -> WrittenPairs:
    """Writes the manifest's pairs that were downloaded as a part of `matched`, which isn't committed.

    Args:
        source: The run with the manifest.
        download: The download of the manifest.
        folder: The new run folder, with the stage match begun.

    Raises:
        UserError: No image was downloaded, or a file of the download can't be used.
    """
    kept = source.folder.kept_columns()
    manifest = source.read("sample", "manifest", with_kept(MANIFEST, kept))
    with _workers_mistakes():
        outcomes = _outcomes(source, manifest, download, folder.work("verdicts"))
        rejected = _rejected(outcomes, manifest, download, folder.work("image-screens"))
        if rejected is not None:
            outcomes = with_reasons(outcomes, rejected)
        if download.drop_equal_images:
            outcomes = without_equal_images(outcomes)
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
    screened: list[PartFile] = []
    reasons: dict[str, dict[str, int]] = {}
    if rejected is not None:
        part = folder.part("screened", PART)
        rows = screened_pairs(manifest, rejected, kept)
        screened = write_table(rows, SCREENED_IMAGES_LAYOUT.keeping(kept), part, folder.options)
        reasons = count_reasons(read_named(source.spark, part, screened, SCREENED_IMAGES))
    counts = {}
    for language in sorted({*found, *reasons}):
        size, entries = found.get(language, (0, 0))
        of_language = reasons.get(language, {})
        distinct = size + sum(of_language.values())
        counts[language] = MatchCounts(distinct=distinct, matched=size, occurrences=entries, screened=of_language)
    return WrittenPairs(losses, counts, written, screened)


def _outcomes(source: FinishedRun, manifest: DataFrame, download: Download, work: str) -> DataFrame:
    """Returns what became of each pair, written once, so that the losses and the pairs are of the same reading."""
    needed = ["uid", "status", *(["sha256"] if download.drop_equal_images else [])]
    read = read_outcomes(source.spark, download.files, needed, source.folder.options)
    return write_temporary(pair_outcomes(manifest, read), work)


def _rejected(outcomes: DataFrame, manifest: DataFrame, download: Download, work: str) -> DataFrame | None:
    """Returns rows of uid, reason and detail of the pairs that are rejected for their image, written once."""
    if download.screening is None:
        return None
    fetched = fetched_pairs(manifest, outcomes).select("uid", "image_id")
    return write_temporary(download.screening.rejected(fetched, work), storage.join(work, "rejected"))


@contextlib.contextmanager
def _workers_mistakes() -> Iterator[None]:
    """Raises the UserError of a worker as itself."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # Spark has no narrower one for a file that it or a worker can't read
        failure = failure_of(error)
        if failure is None or failure.status != EXIT_USER_ERROR:
            raise
        raise UserError(failure.message) from error


def _losses(outcomes: DataFrame) -> DownloadLosses:
    numbers = {(listed, state): n for listed, state, n in outcomes.groupBy("in_manifest", "status").count().collect()}
    states = {state: n for (listed, state), n in sorted(numbers.items()) if listed and state != SUCCESS}
    screened = {reason: states.pop(reason) for reason in IMAGE_REASONS if reason in states}
    lost = states | screened
    downloaded = numbers.get((True, SUCCESS), 0)
    unknown = sum(n for (listed, _), n in numbers.items() if not listed)
    return DownloadLosses(downloaded + sum(lost.values()), downloaded, lost, unknown)


def _nothing_left(run: str, folders: Sequence[str], losses: DownloadLosses) -> str:
    named = ", ".join(folders)
    if not losses.lost.keys().isdisjoint(IMAGE_REASONS):
        kept_out = ", ".join(f"{count:,} {REASON_NAMES.get(status, status)}" for status, count in losses.lost.items())
        return f"no pair of {run} is left ({kept_out}): reject less"
    if set(losses.lost) <= {"missing"} and losses.unknown:
        return f"none of the {losses.unknown:,} samples in {named} is in the manifest of {run}: name its own download"
    reasons = ", ".join(f"{count:,} {status}" for status, count in losses.lost.items())
    return f"none of the images of {run} was fetched to {named} ({reasons}): download again"
