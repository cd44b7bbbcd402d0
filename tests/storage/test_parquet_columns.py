"""Some columns of a Parquet file in a store."""

from __future__ import annotations

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.parquet_columns import open_columns
from metaclip_curate.storage.parquet_input import open_parquet
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer

STORAGE = StorageOptions(read_timeout=2, max_attempts=2)
ROWS = 20_000
MADE = random.Random(0)
TABLE = pa.table(
    {
        "image": [MADE.randbytes(100) for _ in range(ROWS)],
        "uid": [MADE.randbytes(8).hex() for _ in range(ROWS)],
        "ids": [[number, number + 1] for number in range(ROWS)],
        "lang": ["de", "en"] * (ROWS // 2),
    }
)


def written() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, row_group_size=ROWS // 4, write_page_checksum=True)
    return sink.getvalue()


def test_only_the_columns_are_requested(faulty_http: FaultyHTTPServer) -> None:
    data = written()
    url = faulty_http.add("/a.parquet", data, [Fault(), Fault(), Fault(after=1000, ending="reset")])
    with open_columns(url, STORAGE, ["ids", "lang", "none"], ["lang"]) as parquet:
        before = len(faulty_http.requests)
        found = parquet.read(["ids", "lang"])
        assert len(faulty_http.requests) == before
    assert found.column("ids").to_pylist() == TABLE.column("ids").to_pylist()
    assert found.column("lang").type == pa.dictionary(pa.int32(), pa.string())
    assert found.column("lang").to_pylist() == TABLE.column("lang").to_pylist()


def test_the_metadata_alone_takes_the_end_of_the_file(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a.parquet", written())
    with open_parquet(url, STORAGE, "", ()) as parquet:
        assert parquet.metadata.num_rows == ROWS
    assert len(faulty_http.requests) == 2


def test_a_file_that_is_missing_or_damaged_is_named(faulty_http: FaultyHTTPServer) -> None:
    url = f"{faulty_http.url}/none.parquet"
    with pytest.raises(InputError, match="404"), open_columns(url, STORAGE, ["uid"]):
        pass
    with pytest.raises(UserError, match=r"none.parquet is missing: x"), open_parquet(url, STORAGE, "x", ["uid"]):
        pass
    url = faulty_http.add("/b.parquet", b"PAR1 is no Parquet file")
    with pytest.raises(UserError, match="or no Parquet file: x"), open_parquet(url, STORAGE, "x", ["uid"]):
        pass
