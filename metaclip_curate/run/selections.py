"""The pages that inputs `cc-index:` chose, as tables in the run folder.

A selection is a folder of its own below `selections`. Its files `part-NNNNN.parquet` have a row for each record, those
of a WARC next to each other in the order of their offsets. `warcs.parquet` has a row for each WARC and, in its
metadata, the query; it is written last. The driver reads only that; a worker reads the records of the WARC that it is
about to read.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.extract.crawl_index import IndexQuery, records_digest, warc_of
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.storage import ByteRange, StorageOptions
from metaclip_curate.storage.parquet_bytes import read_parquet
from metaclip_curate.storage.ranged_file import RangedFile

WARCS_FILE = "warcs.parquet"
_QUERY = b"query"
# Small, since a WARC has few chosen records and a worker reads whole row groups.
RECORDS_PER_GROUP = 1 << 14

RECORDS = pa.schema(
    [
        pa.field("warc_filename", pa.string()),
        pa.field("warc_record_offset", pa.int64()),
        pa.field("warc_record_length", pa.int64()),
    ]
)
WARCS = pa.schema(
    [
        pa.field("path", pa.string()),  # name of the input: the WARC's path, # and a digest of its chosen records
        pa.field("file", pa.string()),  # file of the selection that has the records
        pa.field("first_row", pa.int64()),  # number of the first record's row in it
        pa.field("records", pa.int64()),  # number of chosen records
        pa.field("bytes", pa.int64()),  # sum of their lengths
        pa.field("requests", pa.int64()),  # number of requests that read them
    ]
)


@dataclass(frozen=True)
class SelectedWarc:
    """An input that is some records of a WARC.

    Attributes:
        path: Name of the input.
        url: File of the selection that has the records.
        first_row: Number of the first record's row in it.
        records: Number of records.
    """

    path: str
    url: str
    first_row: int
    records: int

    @property
    def warc(self) -> str:
        """Path of the WARC."""
        return warc_of(self.path)[0]


def selection_folder(folder: RunFolder, name: str) -> str:
    """Returns the folder of a selection."""
    return storage.join(folder.root, folder_names.SELECTIONS, name)


class Selections:
    """The selections of a run folder.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def warcs(self, name: str) -> pa.Table | None:
        """Returns the table WARCS of a selection; None if it isn't finished.

        Raises:
            UserError: The table is damaged.
        """
        url = storage.join(selection_folder(self._folder, name), WARCS_FILE)
        try:
            data = storage.read_bytes(url, self._folder.options)
        except FileNotFoundError:
            return None
        try:
            return read_parquet(data).select(WARCS.names)
        except (pa.ArrowException, OSError, KeyError) as error:
            raise _changed(url) from error

    def of(self, paths: Iterable[str]) -> Mapping[str, SelectedWarc]:
        """Returns those inputs that are records of a WARC, whichever command chose them, by name."""
        chosen = [path for path in paths if "#" in path]
        return {path: self._all[path] for path in chosen if path in self._all} if chosen else {}

    def queries(self) -> dict[str, dict[str, Any]]:
        """Returns the fields of each selection's query, and its numbers of pages and WARCs, by its name."""
        return {
            name: {
                **json.loads(table.schema.metadata[_QUERY]),
                "pages": pc.sum(table.column("records")).as_py() or 0,
                "warcs": table.num_rows,
            }
            for name, table in self._tables.items()
            if table.schema.metadata  # earlier versions didn't record the query
        }

    @functools.cached_property
    def _tables(self) -> Mapping[str, pa.Table]:
        root = storage.join(self._folder.root, folder_names.SELECTIONS)
        names = [name.rstrip("/") for name in storage.list_folder(root, self._folder.options)]
        return {name: table for name in names if (table := self.warcs(name)) is not None}

    @functools.cached_property
    def _all(self) -> Mapping[str, SelectedWarc]:
        found: dict[str, SelectedWarc] = {}
        for name, table in self._tables.items():
            for row in table.to_pylist():
                url = storage.join(selection_folder(self._folder, name), row["file"])
                found[row["path"]] = SelectedWarc(row["path"], url, row["first_row"], row["records"])
        return found


def write_warcs(folder: RunFolder, query: IndexQuery, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Writes the table WARCS of a selection, which makes it finished, and returns it.

    Args:
        folder: The run folder.
        query: The query that chose them.
        rows: The rows, in any order.
    """
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["path"])), schema=WARCS)
    table = table.replace_schema_metadata({_QUERY: json.dumps(asdict(query))})
    with folder.owned():
        folder.require_owner()
        url = storage.join(selection_folder(folder, query.name), WARCS_FILE)
        with storage.staged_upload(lambda: url, folder.options) as local:
            pq.write_table(table, local, compression="zstd", write_page_checksum=True)
    return table


def write_records(url: str, records: pa.Table, options: StorageOptions) -> None:
    """Writes a file of a selection.

    Args:
        url: Path or URL of the file.
        records: Its records, with the schema RECORDS, sorted by WARC and offset.
        options: Credentials and limits for the folder.
    """
    with storage.staged_upload(lambda: url, options) as local:
        pq.write_table(
            records,
            local,
            row_group_size=RECORDS_PER_GROUP,
            compression="zstd",
            use_dictionary=["warc_filename"],
            write_statistics=False,
            write_page_checksum=True,
        )


def read_ranges(selected: SelectedWarc, options: StorageOptions) -> list[ByteRange]:
    """Reads the records of an input, and of the selection's file only the row groups that have them.

    Args:
        selected: The input.
        options: Credentials and limits for the run folder.

    Returns:
        The records' ranges in the WARC, in their order.

    Raises:
        UserError: They aren't those that were chosen.
        InputError: The file can't be read.
    """
    columns = RECORDS.names[1:]
    try:
        with RangedFile(selected.url, options) as file:
            parquet = pq.ParquetFile(file, page_checksum_verification=True)
            rows = [parquet.metadata.row_group(number).num_rows for number in range(parquet.metadata.num_row_groups)]
            ends = np.cumsum(rows)
            first = int(np.searchsorted(ends, selected.first_row, side="right"))
            last = int(np.searchsorted(ends, selected.first_row + selected.records, side="left"))
            table = parquet.read_row_groups(list(range(first, last + 1)), columns=columns, use_threads=False)
    except (pa.ArrowException, OSError, IndexError) as error:
        raise _changed(selected.url) from error
    table = table.slice(selected.first_row - (int(ends[first]) - rows[first]), selected.records)
    offsets, lengths = (table.column(name).to_numpy() for name in columns)
    if records_digest(offsets, lengths) != warc_of(selected.path)[1]:
        raise _changed(selected.url)
    return [ByteRange(*each) for each in zip(offsets.tolist(), lengths.tolist(), strict=True)]


def _changed(url: str) -> UserError:
    return UserError(f"{url} was changed after the run wrote it: remove its folder, so that the index is read again")
