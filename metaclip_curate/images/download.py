"""Fetching a run's images with img2dataset, into webdataset shards with the columns that go on.

img2dataset takes the manifest as it is, keeps what it has fetched, and carries columns along, lists too, into each
shard's Parquet file. What it doesn't do is done here: it is held to one run and one set of options, shards that it gave
up are noticed, and open_clip's `sizes.json` is written. That file stands beside the shards only while img2dataset
doesn't run, which takes the name of every .json for a shard's number.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.images.fetch import MOST_PIXELS, FetchLimits
from metaclip_curate.images.outcome import Outcome, outcome_of
from metaclip_curate.options.download import DownloadOptions, Table
from metaclip_curate.options.fields import flag, table_options
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.storage import StorageOptions, globs
from metaclip_curate.storage.parquet_input import open_parquet

Tell = Callable[[str], None]

SIZES = "sizes.json"
# Not a file beside the shards: img2dataset would take it for one of its own.
WORK = "_download"
_SOURCE = "source.json"
_STAGES: dict[Table, str] = {"manifest": "sample", "matched": "match"}
_COLUMNS: dict[Table, tuple[str, ...]] = {
    "manifest": ("uid", "image_id", "lang", "metadata_lang", "entry_ids", "keep_probability"),
    "matched": ("image_id", "texts"),
}
_DIRECTIVES = ("noai", "noimageai", "noindex", "noimageindex")
_STATS = re.compile(r"(\d+)_stats\.json")
_READERS = 16
_AGAIN = "the same command fetches"


class Download:
    """A run's images on the way into a folder of shards.

    Args:
        source: The run's folder, finished up to sample for the manifest, up to match for matched.
        options: What is fetched.
        images: Makes the table of images with all their texts in the folder it gets; needed for matched.
        tell: Takes lines about what goes on.

    Raises:
        UserError: img2dataset is missing, the run isn't finished, or the folder holds another download.
    """

    def __init__(
        self,
        source: RunFolder,
        options: DownloadOptions,
        images: Callable[[str], None] | None = None,
        tell: Tell = print,
    ) -> None:
        if importlib.util.find_spec("img2dataset") is None:
            raise UserError("img2dataset is missing: pip install 'metaclip-curate[download]'")
        self._source, self._options, self._images, self._tell = source, options, images, tell
        self._storage: StorageOptions = source.options
        for url in (source.root, options.output):
            _require_file_system(url)
        source.require(_STAGES[options.table])
        self._check_source()

    def run(self) -> Outcome:
        """Fetches what is missing.

        Returns:
            What came of all rows, those of earlier runs included.

        Raises:
            JobFailedError: Shards were given up, or it was interrupted; the same command goes on.
        """
        table = self._table()
        shards = self._expected_shards(table)
        output = self._options.output
        self._remove_sizes()
        missing = shards - len(self._stats_files())
        self._tell(f"download: {missing:,} of {shards:,} shards are missing in {output}")
        if missing > 0:
            self._fetch(table)
        names = self._stats_files()
        self._write_sizes(names)
        if len(names) < shards:
            raise JobFailedError(
                f"{shards - len(names):,} of {shards:,} shards in {output} aren't finished: give the same command again"
            )
        return outcome_of(self._read_stats(names), shards)

    def _check_source(self) -> None:
        """Holds the folder to one run and one set of options, and notes them in a new one."""
        mine = {
            "fingerprint": self._source.fingerprint(_STAGES[self._options.table]),
            **table_options(self._options),
        }
        url = storage.join(self._options.output, WORK, _SOURCE)
        try:
            before = self._json(f"{WORK}/{_SOURCE}", "give another --output")
        except FileNotFoundError:
            if any(_STATS.fullmatch(name) for name in storage.list_folder(self._options.output, self._storage)):
                raise UserError(
                    f"{self._options.output} holds shards of another download: give another --output"
                ) from None
            about = {"run": self._source.root, **mine}
            storage.write_bytes(url, json.dumps(about, indent=1).encode() + b"\n", self._storage)
            return
        for name, value in mine.items():
            # A folder from before there was an option goes on with any value of it.
            if before.get(name, value) == value:
                continue
            if name == "fingerprint":
                raise UserError(
                    f"{self._options.output} holds images of another state of {before['run']}: give another --output"
                )
            raise UserError(
                f"{self._options.output} was begun with {flag(name)} {before.get(name)}, and the command says {value}: "
                "give the same or another --output"
            )

    def _table(self) -> str:
        """The folder that img2dataset reads."""
        if self._options.table == "manifest":
            self._source.table_files("sample", "manifest")  # img2dataset takes all Parquet files in the folder
            return self._source.table("manifest")
        folder = storage.join(self._options.output, WORK, "images")
        done = storage.join(folder, "_SUCCESS")
        if not storage.exists(done, self._storage):
            if self._images is None:
                raise ValueError("a download of matched needs what makes the table of images")
            self._tell("download: putting the texts of each image together")
            self._images(folder)
            storage.write_bytes(done, b"", self._storage)
        return folder

    def _expected_shards(self, table: str) -> int:
        """img2dataset cuts each file by itself."""
        names = [name for name in storage.list_folder(table, self._storage) if name.endswith(".parquet")]
        size = self._options.samples_per_shard
        with ThreadPoolExecutor(_READERS) as pool:
            rows = pool.map(lambda name: self._rows(storage.join(table, name)), names)
            return sum(-(-count // size) for count in rows)

    def _rows(self, url: str) -> int:
        remedy = f"restore it from a copy, or make it again from {self._source.root}"
        with open_parquet(url, self._storage, remedy) as file:
            return int(file.metadata.num_rows)

    def _remove_sizes(self) -> None:
        import fsspec

        with contextlib.suppress(FileNotFoundError):
            file_system, path = fsspec.core.url_to_fs(storage.join(self._options.output, SIZES))
            file_system.rm(path)

    def _fetch(self, table: str) -> None:
        # albumentations, which img2dataset resizes with, asks for its newest version when it is imported.
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
        os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS))
        import img2dataset

        from metaclip_curate.images.img2dataset_downloader import guarded_downloader

        options = self._options
        with guarded_downloader(_limits(options)), _interrupts_restored(options.output):
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
                disallowed_header_directives=[] if options.ignore_opt_out else list(_DIRECTIVES),
            )

    def _stats_files(self) -> list[str]:
        """The names of the files that img2dataset writes last of each shard."""
        return [name for name in storage.list_folder(self._options.output, self._storage) if _STATS.fullmatch(name)]

    def _read_stats(self, names: list[str]) -> list[dict[str, Any]]:
        with ThreadPoolExecutor(_READERS) as pool:
            return list(pool.map(lambda name: self._json(name, f"remove it, and {_AGAIN} the shard"), names))

    def _json(self, name: str, remedy: str) -> dict[str, Any]:
        """Reads a JSON object in the folder."""
        url = storage.join(self._options.output, name)
        try:
            read = json.loads(storage.read_bytes(url, self._storage))
        except ValueError as error:  # neither UTF-8 nor JSON
            raise UserError(f"{url} is damaged: {remedy}") from error
        if not isinstance(read, dict):
            raise UserError(f"{url} is damaged: {remedy}")
        return read

    def _write_sizes(self, names: list[str]) -> None:
        """Writes the number of samples of each tar, by its name, where open_clip looks for it."""
        stats = self._read_stats(names)
        sizes = {
            name.replace("_stats.json", ".tar"): shard["successes"] for name, shard in zip(names, stats, strict=True)
        }
        data = json.dumps(sizes, indent=1).encode() + b"\n"
        storage.write_bytes(storage.join(self._options.output, SIZES), data, self._storage)


def _limits(options: DownloadOptions) -> FetchLimits:
    # As img2dataset says it, so that who refuses img2dataset by its name is heeded.
    about = f"(compatible; {options.user_agent.strip().lower()}; +https://github.com/rom1504/img2dataset)"
    return FetchLimits(
        user_agent=f"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:72.0) Gecko/20100101 Firefox/72.0 {about}",
        most_bytes=options.max_image_bytes,
        silence=options.timeout,
        total=options.image_timeout,
        retries=options.retries,
        allow_private=options.allow_private_addresses,
    )


def _require_file_system(url: str) -> None:
    """Holds a name to those that img2dataset can reach."""
    import fsspec

    if globs.has_wildcard(url):
        raise UserError(f"img2dataset takes {url} for a pattern, since it has * ? or [: rename the folder")
    try:
        fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:  # a package is missing, or nobody knows the scheme
        raise UserError(
            f"img2dataset can't reach {url} ({error}): pip install what it names, or use a folder"
        ) from error


@contextlib.contextmanager
def _interrupts_restored(output: str) -> Iterator[None]:
    """img2dataset takes over Ctrl-C, and ends the process with status 0 then."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        raise JobFailedError(f"the download to {output} was interrupted: the same command goes on") from error
    finally:
        signal.signal(signal.SIGINT, before)
