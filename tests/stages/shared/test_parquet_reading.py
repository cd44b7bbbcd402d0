"""Files of a run, read in a worker."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.parquet_reading import DamagedFileError, open_table_file
from metaclip_curate.stages.shared.tables import damaged_file
from metaclip_curate.storage import StorageOptions

SCHEMA = pa.schema([("a", pa.int64()), ("b", pa.string())])


def batch(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"a": list(range(rows)), "b": [f"{each} " * 9 for each in range(rows)]}, SCHEMA)


def write(folder: Path, name: str, whole_batches: bool = False) -> Path:
    layout = Layout(SCHEMA, (), whole_batches=whole_batches)
    batches = iter([batch(3), batch(0), batch(5)])
    write_file(batches, layout, str(folder), lambda: name, StorageOptions())
    return folder / name


@pytest.mark.parametrize("whole_batches", [False, True])
def test_batches_can_be_row_groups(tmp_path: Path, whole_batches: bool) -> None:
    path = write(tmp_path, "a.parquet", whole_batches)
    with open_table_file(str(path), StorageOptions(), ["b"]) as file:
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        rows = file.read()
    assert sizes == ([3, 5] if whole_batches else [8])
    assert pa.types.is_dictionary(rows.schema.field("b").type)
    assert rows.column("a").to_pylist() == [*range(3), *range(5)]


@pytest.mark.parametrize("damage", ["short", "flipped"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path, "with a space.parquet")
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[pq.read_metadata(path).row_group(0).column(1).data_page_offset + 30] ^= 1
    path.write_bytes(data[:-3] if damage == "short" else data)
    with pytest.raises(DamagedFileError) as found, open_table_file(str(path), StorageOptions()) as file:
        file.read()
    assert damaged_file(found.value) == str(path)


def test_another_error_passes_through(tmp_path: Path) -> None:
    path = write(tmp_path, "a.parquet")
    with pytest.raises(ValueError, match="not about the file"), open_table_file(str(path), StorageOptions()):
        raise ValueError("not about the file")
