"""Tables of a finished run as pyarrow datasets, for commands that look for a few rows and should not wait for Spark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds
import pyarrow.parquet as pq
from pyarrow import fs

from metaclip_curate.errors import UserError
from metaclip_curate.run.folder import STAGES, TABLES, RunFolder, remedy
from metaclip_curate.run.summaries import BalanceSummary
from metaclip_curate.schemas import COUNTS
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import bucket_and_key, local_path, scheme_of


def open_table(folder: RunFolder, stage: str, table: str, schema: pa.Schema) -> pds.Dataset:
    """Opens a table of a finished stage; nothing of it is read but what tells that its files are what was written.

    Args:
        folder: The run folder.
        stage: The stage that writes the table.
        table: The table's name.
        schema: Its schema.

    Returns:
        A dataset over the files that are finished, in the order of their names.

    Raises:
        UserError: The stage isn't finished, or the folder can't be reached.
    """
    paths = [_path(file.url) for file in folder.table_files(stage, table)]
    verified = pds.ParquetFileFormat(
        default_fragment_scan_options=pds.ParquetFragmentScanOptions(page_checksum_verification=True)
    )
    return pds.dataset(paths, schema=schema, format=verified, filesystem=_file_system(folder.root, folder.options))


@dataclass(frozen=True)
class LanguageCounts:
    """The entries of a language and their counts.

    Attributes:
        entries: In the order of their ids.
        counts: How many of the run's texts contain each, int64.
        t: The language's threshold; None where no text of it matched.
    """

    entries: list[str]
    counts: npt.NDArray[np.int64]
    t: int | None


def language_counts(folder: RunFolder, language: str) -> LanguageCounts | None:
    """Reads the counts of one language.

    Args:
        folder: A run folder with the stage balance finished.
        language: A metadata language.

    Returns:
        Its entries, counts and t; None where no text of it matched, so that the run has no counts of it.
    """
    thresholds = folder.summary(BalanceSummary).thresholds
    if language not in thresholds:
        return None
    found = open_table(folder, "count", "counts", COUNTS).to_table(
        columns=["entry_id", "entry", "count"], filter=pc.field("metadata_lang") == language
    )
    rows = found.sort_by("entry_id")
    return LanguageCounts(rows.column("entry").to_pylist(), rows.column("count").to_numpy(), thresholds[language])


@contextmanager
def damage_named(folder: RunFolder) -> Iterator[None]:
    """Names the file where the block can't read a table because it is damaged; Arrow's exceptions often don't.

    Args:
        folder: A run folder with all stages finished.

    Raises:
        UserError: A file is damaged.
    """
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        for stage in STAGES:
            for url in (file.url for table in TABLES[stage] for file in folder.table_files(stage, table)):
                if _is_damaged(url, folder.options):
                    raise UserError(f"{url} is damaged: {remedy(stage)}") from error
        raise


def _is_damaged(url: str, options: StorageOptions) -> bool:
    try:
        with pq.ParquetFile(_path(url), filesystem=_file_system(url, options), page_checksum_verification=True) as file:
            for _ in file.iter_batches():
                pass
    except (pa.ArrowException, OSError):
        return True
    return False


def _path(url: str) -> str:
    """What pyarrow calls the file of a URL."""
    scheme = scheme_of(url)
    if scheme == "":
        return local_path(url)
    if scheme == "hdfs":
        path: str = fs.FileSystem.from_uri(url)[1]
        return path
    return "/".join(bucket_and_key(url))


def _file_system(url: str, options: StorageOptions) -> Any:
    scheme = scheme_of(url)
    if scheme == "":
        return fs.LocalFileSystem()
    if scheme == "s3":
        settings: dict[str, Any] = {"anonymous": options.s3_anonymous}
        if options.s3_region:
            settings["region"] = options.s3_region
        if options.s3_endpoint_url:
            # pyarrow takes the scheme apart from the host.
            settings["scheme"], _, settings["endpoint_override"] = options.s3_endpoint_url.partition("://")
        return fs.S3FileSystem(**settings)
    return fs.FileSystem.from_uri(url)[0]
