"""Small Parquet files that are read from bytes."""

from __future__ import annotations

import io
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.storage.parquet_bytes import read_parquet


def written(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue()


def test_all_columns_or_some() -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    assert read_parquet(written(table)) == table
    assert read_parquet(written(table), ["b"]) == table.select(["b"])


def test_a_damaged_file() -> None:
    data = bytearray(written(pa.table({"a": list(range(1000))})))
    data[200] ^= 1
    with pytest.raises((pa.ArrowException, OSError)):
        read_parquet(bytes(data))


@pytest.mark.slow
def test_no_thread_is_started_that_could_hold_the_bytes_when_python_ends() -> None:
    code = (
        "import os, sys\n"
        "from metaclip_curate.storage.parquet_bytes import read_parquet\n"
        "data = sys.stdin.buffer.read()\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "read_parquet(data)\n"
        "print(len(os.listdir('/proc/self/task')) - before)"
    )
    data = written(pa.table({"a": [1]}))
    printed = subprocess.run([sys.executable, "-c", code], input=data, stdout=subprocess.PIPE, check=True).stdout
    assert printed.strip() == b"0"
