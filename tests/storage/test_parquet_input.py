"""Columns of the types that other writers choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.parquet_input import cast_column, cast_table, open_parquet

NULL = pa.nulls(2)
TEXTS = [
    pa.array(["a", None]),
    pa.array(["a", None], pa.large_string()),
    pa.array([b"a", None]),
    pa.array([b"a", None], pa.large_binary()),
    pa.array(["a", None]).dictionary_encode(),
    pa.array(["a", None], pa.large_string()).dictionary_encode().cast(pa.dictionary(pa.int8(), pa.large_string())),
]
NUMBERS = [
    pa.array([[1, 2], None], pa.list_(pa.int32())),
    pa.array([[1, 2], None], pa.list_(pa.int64())),
    pa.array([[1, 2], None], pa.large_list(pa.int64())),
    pa.array([[1, 2], None], pa.list_(pa.uint16())),
]


def stored(tmp_path: Path, column: pa.Array) -> pa.ChunkedArray:
    """The column as a Parquet file gives it back."""
    pq.write_table(pa.table({"x": column}), tmp_path / "x.parquet")
    with open_parquet(str(tmp_path / "x.parquet"), StorageOptions(), "") as file:
        return file.read()["x"]


@pytest.mark.parametrize("column", TEXTS, ids=lambda column: str(column.type))
def test_texts(tmp_path: Path, column: pa.Array) -> None:
    found = cast_column(stored(tmp_path, column), pa.string(), "x")
    assert (found.type, found.to_pylist()) == (pa.string(), ["a", None])


@pytest.mark.parametrize("column", NUMBERS, ids=lambda column: str(column.type))
def test_lists_of_numbers(tmp_path: Path, column: pa.Array) -> None:
    found = cast_column(stored(tmp_path, column), pa.list_(pa.int32()), "x")
    assert (found.type, found.to_pylist()) == (pa.list_(pa.int32()), [[1, 2], None])


@pytest.mark.parametrize("kind", [pa.string(), pa.list_(pa.int32()), pa.int64()], ids=str)
@pytest.mark.parametrize("column", [NULL, pa.nulls(2, pa.float64()), pa.nulls(2, pa.string())], ids=str)
def test_a_column_of_nulls_is_of_any_type(tmp_path: Path, column: pa.Array, kind: pa.DataType) -> None:
    found = cast_column(stored(tmp_path, column), kind, "x")
    assert (found.type, found.to_pylist()) == (kind, [None, None])


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array([7]), pa.string()),
        (pa.array([7]).dictionary_encode(), pa.string()),
        (pa.array([b"\xff"]), pa.string()),
        (pa.array([[2**40]]), pa.list_(pa.int32())),
        (pa.array(["x"]), pa.int64()),
    ],
)
def test_what_is_something_else_is_refused(column: pa.Array, kind: pa.DataType) -> None:
    with pytest.raises(UserError, match=r"^the column x of f\.parquet has the type .*, and .* is needed"):
        cast_table(pa.table({"x": column}), pa.schema([("x", kind)]), "f.parquet")


def test_a_column_that_is_missing_is_null() -> None:
    found = cast_table(pa.table({"y": ["b"], "x": NULL[:1]}), pa.schema([("x", pa.string()), ("z", pa.int64())]), "f")
    assert found.to_pylist() == [{"x": None, "z": None}]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    whole = tmp_path / "x.parquet"
    pq.write_table(pa.table({"x": pa.array(range(100_000))}), whole, compression="zstd")
    data, options = whole.read_bytes(), StorageOptions()
    page = data.index(b"\x28\xb5\x2f\xfd")  # where zstd begins
    cases: dict[str, Any] = {
        "empty": b"",
        "cut": data[:-100],
        "start": data[:1000],
        "page": data[: page + 8] + bytes(64) + data[page + 72 :],
        "footer": data[:-200] + bytes(190) + data[-10:],
        "html": b"<html>",
    }
    for name, damaged in cases.items():
        file = tmp_path / f"{name}.parquet"
        file.write_bytes(damaged)
        with (
            pytest.raises(UserError, match=f"{name}\\.parquet is damaged or no Parquet file: do this"),
            open_parquet(str(file), options, "do this") as opened,
        ):
            opened.read()
    with (
        pytest.raises(UserError, match="gone is missing: do this"),
        open_parquet(str(tmp_path / "gone"), options, "do this"),
    ):
        pass
