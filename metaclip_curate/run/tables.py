"""Tables of a run that are read and written without Spark: small ones whole, and large ones for a few of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run.file_list import PartFile, describe
from metaclip_curate.run.finished import finished_stages
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import TABLES, remedy
from metaclip_curate.run.summaries import BalanceSummary
from metaclip_curate.schemas import COUNTS
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_bytes import read_parquet
from metaclip_curate.storage.urls import bucket_and_key, local_path, scheme_of

if TYPE_CHECKING:
    import pyarrow.dataset as pds


def open_table(folder: RunFolder, stage: str, table: str, schema: pa.Schema) -> pds.Dataset:
    """Opens a table of a finished stage as a dataset. Only the files' footers are read, to check them.

    Args:
        folder: The run folder.
        stage: The stage that writes the table.
        table: The table's name.
        schema: Its schema.

    Returns:
        A dataset over the finished files, in the order of their names.

    Raises:
        UserError: The stage isn't finished, a file isn't what was written, or the folder can't be read.
    """
    return open_files([file.url for file in folder.table_files(stage, table)], schema, folder.options)


def open_files(urls: Sequence[str], schema: pa.Schema, options: StorageOptions) -> pds.Dataset:
    """Opens Parquet files of one folder as a dataset.

    Args:
        urls: Paths or URLs.
        schema: Schema of the files.
        options: Credentials for the files.
    """
    import pyarrow.dataset as pds  # which imports pandas: as much as all other imports of a command

    if not urls:
        return pds.dataset(schema.empty_table())
    verified = pds.ParquetFileFormat(
        default_fragment_scan_options=pds.ParquetFragmentScanOptions(page_checksum_verification=True)
    )
    file_system = _file_system(urls[0], options)
    return pds.dataset([_path(url) for url in urls], schema=schema, format=verified, filesystem=file_system)


def read_columns(
    folder: RunFolder, stage: str, table: str, columns: Sequence[str], parts: Sequence[str] | None = None
) -> pa.Table:
    """Reads columns of a small table.

    Args:
        folder: The run folder.
        stage: The stage that writes the table.
        table: The table's name.
        columns: Names of the columns.
        parts: Finished parts to read. Default: all; a table without parts must be finished.

    Returns:
        The rows; without a file, a table without rows and columns.

    Raises:
        UserError: A file is missing, was added, or isn't what was written.
    """
    if parts is None and folder.parts(stage):
        parts = sorted(folder.parts(stage))
    pieces = []
    for file in folder.table_files(stage, table, parts):
        data = storage.read_bytes(file.url, folder.options)
        try:
            pieces.append(read_parquet(data, columns))
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{file.url} is damaged ({error}): {remedy(stage)}") from error
    return pa.concat_tables(pieces) if pieces else pa.table({})


def write_part(folder: RunFolder, table: str, part: str, rows: pa.Table) -> list[PartFile]:
    """Writes a part of a small table as one file.

    Args:
        folder: The run folder.
        table: The table's name.
        part: The part's name.
        rows: The part's rows.

    Returns:
        The file, for the part's list.
    """
    name = "part-00000.parquet"
    with folder.owned():
        folder.require_owner()
        with storage.staged_upload(lambda: storage.join(folder.part(table, part), name), folder.options) as local:
            pq.write_table(rows, local, compression="zstd", write_page_checksum=True)
            return [describe(local, name, rows.num_rows)]


@dataclass(frozen=True)
class LanguageCounts:
    """The entries of a language and their counts.

    Attributes:
        entries: Entries in the order of their ids.
        counts: Number of the run's texts that contain each entry, int64.
        t: The language's threshold; None if no text of the language matched.
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
        Its entries, counts and t; None if no text of it matched, so that the run has no counts of it.
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
    """Names the damaged file if the block can't read a table; Arrow's exceptions often don't.

    Args:
        folder: A run folder.

    Raises:
        UserError: A file is damaged.
    """
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        for stage in finished_stages(folder):
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
    """Returns the path of a URL in its pyarrow file system."""
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
