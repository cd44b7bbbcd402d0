"""Inputs that are read at any position, whatever a server does."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.byte_ranges import ByteRange
from metaclip_curate.storage.ranged_file import RangedFile, open_seekable
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer

DATA = random.Random(0).randbytes(2_000_000)
IMPATIENT = StorageOptions(read_timeout=2, max_attempts=4)
FAULTS = {
    "none": [],
    "short body": [Fault(after=1_000_000), Fault(after=10)],
    "reset": [Fault(after=300_000, ending="reset")],
    "503": [Fault(status=503), Fault(), Fault(status=503), Fault(status=429)],
    "range ignored": [Fault(), Fault(ignore_range=True), Fault(ignore_range=True)],
}


@pytest.mark.parametrize("name", FAULTS)
def test_any_part_is_read(faulty_http: FaultyHTTPServer, name: str) -> None:
    url = faulty_http.add("/a.parquet", DATA, FAULTS[name])
    chosen = random.Random(name)
    with open_seekable(url, IMPATIENT, sleep=lambda seconds: None) as file:
        assert file.seek(0, io.SEEK_END) == len(DATA)
        assert file.read(10) == b""
        for _ in range(12):
            start, size = chosen.randrange(len(DATA)), chosen.choice([1, 1000, 400_000])
            assert file.seek(start) == file.tell() == start
            assert file.read(size) == DATA[start : start + size]
        file.seek(-5, io.SEEK_END)
        assert file.read() == DATA[-5:]


def test_neighbouring_parts_share_a_request(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a.parquet", DATA)
    with open_seekable(url, IMPATIENT) as file:
        for start in range(0, 1_000_000, 100_000):
            file.seek(start)
            assert file.read(50_000) == DATA[start : start + 50_000]
    # One for the size and one for the end of the file, where the footer of a Parquet file lies.
    assert len(faulty_http.requests) == 3


def test_a_file_of_which_little_is_read_requests_what_is_read(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a.parquet", DATA)
    with RangedFile(url, IMPATIENT) as file:
        for start in (0, 500_000, 600_000):
            file.seek(start)
            assert file.read(1000) == DATA[start : start + 1000]
        file.fetch([ByteRange(0, 1000), ByteRange(5000, 1000)])
        for start in (0, 5500):
            file.seek(start)
            assert file.read(500) == DATA[start : start + 500]
    assert len(faulty_http.requests) == 6


def test_an_object_that_changes_is_refused(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a.parquet", DATA, [Fault(), Fault(), *[Fault(body=DATA[::-1])] * 2])
    with open_seekable(url, IMPATIENT, sleep=lambda seconds: None) as file:
        file.seek(1_500_000)
        with pytest.raises(InputError, match="the object changed"):
            file.read(10)


def test_a_server_that_fails_for_good(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/a.parquet", DATA, [Fault(status=503)] * 4)
    with pytest.raises(InputError, match="after 4 attempts in a row"):
        open_seekable(url, IMPATIENT, sleep=lambda seconds: None)
    with pytest.raises(InputError):
        open_seekable(f"{faulty_http.url}/none.parquet", IMPATIENT)
    with pytest.raises(InputError, match="No such file"):
        open_seekable("none.parquet", IMPATIENT)


def test_a_parquet_file_on_a_server_gives_the_pairs_of_the_local_one(
    faulty_http: FaultyHTTPServer, tmp_path: Path
) -> None:
    rows = [{"url": f"https://a.example/{n}", "text": f"text {n}", "image": DATA[n : n + 2000]} for n in range(900)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=300)
    data = (tmp_path / "a.parquet").read_bytes()
    url = faulty_http.add("/a.parquet", data, [Fault(), Fault(status=503), Fault(after=100)])
    found = []
    for path in (url, str(tmp_path / "a.parquet")):
        batches = read_pairs(path, ReadOptions(), IMPATIENT, InputStats("a"))
        found.append([row["uid"] for batch in batches for row in batch.to_pylist()])
    assert found[0] == found[1]
    assert len(found[0]) == 900
