"""The download of a run's images."""

from __future__ import annotations

from collections.abc import Callable

from metaclip_curate.errors import UserError
from metaclip_curate.images.download import Download
from metaclip_curate.images.outcome import Outcome
from metaclip_curate.options.download import DownloadOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.schemas import MATCHED
from metaclip_curate.storage import StorageOptions


def download_images(
    root: str,
    options: DownloadOptions,
    storage: StorageOptions,
    session: RunOptions,
    log: Callable[[str], None] = print,
) -> Outcome:
    """Downloads the images of a run.

    Args:
        root: Run folder.
        options: Which images are fetched, and how.
        storage: How the run folder is reached.
        session: Settings of the session that lists the images of the matched pairs.
        log: Takes lines about progress.

    Returns:
        Numbers of the images that were fetched or failed.

    Raises:
        UserError: The folder holds no run, or the download can't be made from it.
    """
    source = RunFolder(root, storage)
    if not source.options_of("extract"):
        raise UserError(f"{root} holds no run: name the folder of a finished run with --run")

    def write_matched_images(folder: str) -> None:
        # Only this download needs Spark, which other downloads don't wait for.
        from metaclip_curate.pipelines.finished_run import FinishedRun
        from metaclip_curate.stages.after.images import write_images

        run = FinishedRun(root, "match", storage, session)
        write_images(run.read_staying("match", "matched", MATCHED), folder)

    return Download(source, options, write_matched_images, log).run()
