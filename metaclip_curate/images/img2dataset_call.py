"""The call of img2dataset: which of its options are set, and what it needs to be protected from."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
from collections.abc import Iterator

from metaclip_curate.console.terminal import output_to_stderr
from metaclip_curate.errors import JobFailedError, UserError, install_extra
from metaclip_curate.images.faces import BOXES
from metaclip_curate.images.fetch import MAX_PIXELS, FetchLimits
from metaclip_curate.options.download import DownloadOptions, Table
from metaclip_curate.storage import globs

_COLUMNS: dict[Table, tuple[str, ...]] = {
    "manifest": ("uid", "image_id", "lang", "metadata_lang", "entry_ids", "keep_probability"),
    "matched": ("image_id", "texts"),
}
_DIRECTIVES = ("noai", "noimageai", "noindex", "noimageindex")


def require_img2dataset() -> None:
    """Checks that img2dataset is installed.

    Raises:
        UserError: It isn't.
    """
    if importlib.util.find_spec("img2dataset") is None:
        raise UserError(f"img2dataset is missing: {install_extra('download')}")


def require_reachable(url: str) -> None:
    """Checks that img2dataset can read and write a folder.

    Raises:
        UserError: The name looks like a pattern, or fsspec has no file system for it.
    """
    import fsspec

    if globs.has_wildcard(url):
        raise UserError(f"img2dataset takes {url} for a pattern, since it has * ? or [: rename the folder")
    try:
        fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:  # a package is missing, or the scheme is unknown
        raise UserError(
            f"img2dataset can't reach {url} ({error}): pip install what it names, or use a folder"
        ) from error


def fetch_shards(table: str, options: DownloadOptions) -> None:
    """Fetches the images of all shards that aren't finished.

    Args:
        table: Path or URL of the folder of Parquet files that list the images.
        options: What is fetched, and the folder for the shards.

    Raises:
        JobFailedError: The download was interrupted.
    """
    # albumentations, which img2dataset resizes with, would ask its servers for a newer version when it is imported.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
    import img2dataset

    from metaclip_curate.images.img2dataset_downloader import guarded_downloader

    # img2dataset and its worker processes print about each shard, where a program may expect JSON.
    with guarded_downloader(_limits(options)), _interrupts_restored(options.output), output_to_stderr():
        img2dataset.download(
            url_list=table,
            input_format="parquet",
            url_col="url",
            caption_col="text",
            save_additional_columns=list(_COLUMNS[options.table]),
            output_folder=options.output,
            output_format="webdataset",
            processes_count=options.processes or os.cpu_count() or 1,
            thread_count=options.threads,
            image_size=options.image_size,
            resize_mode=options.resize_mode,
            resize_only_if_bigger=not options.upscale,
            encode_quality=options.quality,
            number_sample_per_shard=options.samples_per_shard,
            retries=options.retries,
            timeout=options.timeout,
            incremental_mode="incremental",
            user_agent_token=options.user_agent,
            bbox_col=BOXES if options.faces else None,
            disallowed_header_directives=[] if options.ignore_opt_out else list(_DIRECTIVES),
        )


def _limits(options: DownloadOptions) -> FetchLimits:
    # img2dataset's own User-Agent, so that sites that refuse img2dataset by its name are respected.
    token = f"(compatible; {options.user_agent.strip().lower()}; +https://github.com/rom1504/img2dataset)"
    return FetchLimits(
        user_agent=f"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:72.0) Gecko/20100101 Firefox/72.0 {token}",
        max_bytes=options.max_image_bytes,
        read_timeout=options.timeout,
        total_timeout=options.image_timeout,
        retries=options.retries,
        allow_private=options.allow_private_addresses,
    )


@contextlib.contextmanager
def _interrupts_restored(output: str) -> Iterator[None]:
    """Restores the handler of Ctrl-C, which img2dataset replaces with one that exits with status 0."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        raise JobFailedError(f"the download to {output} was interrupted: the same command goes on") from error
    finally:
        signal.signal(signal.SIGINT, before)
