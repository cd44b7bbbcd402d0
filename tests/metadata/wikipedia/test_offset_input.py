from __future__ import annotations

import random
from pathlib import Path

import pytest

from metaclip_curate.metadata.wikipedia.offset_input import open_at, size_of
from metaclip_curate.storage import InputError, StorageOptions
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.fixtures import faulty_http, no_proxy

__all__ = ["faulty_http", "no_proxy"]

DATA = random.Random(0).randbytes(300_000)
OPTIONS = StorageOptions(read_timeout=10, max_attempts=4)
FAULTS = {
    "none": [],
    "breaks": [Fault(after=1_000), Fault(after=50_000, ending="reset")],
    "range ignored": [Fault(ignore_range=True)],
    "range ignored after a break": [Fault(after=1_000), Fault(ignore_range=True)],
    "no marks": [Fault(headers={"ETag": "", "Last-Modified": ""}, after=1_000)] * 2,
    "503": [Fault(status=503)],
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("start", [0, 1, 123_456, len(DATA) - 1])
def test_the_bytes_from_one_on(faulty_http: FaultyHTTPServer, name: str, start: int) -> None:
    url = faulty_http.add("/dump.xml.bz2", DATA, FAULTS[name])
    with open_at(url, start, OPTIONS, sleep=lambda seconds: None) as stream:
        assert stream.read() == DATA[start:]


def test_only_the_bytes_wanted_are_asked_for(faulty_http: FaultyHTTPServer) -> None:
    url = faulty_http.add("/dump.xml.bz2", DATA)
    with open_at(url, 200_000, OPTIONS) as stream:
        assert stream.read(10) == DATA[200_000:200_010]
    assert [request.headers.get("range") for request in faulty_http.requests] == ["bytes=200000-"]


def test_sizes(faulty_http: FaultyHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(DATA)
    assert size_of(str(tmp_path / "dump"), OPTIONS) == len(DATA)
    assert size_of(faulty_http.add("/dump", DATA), OPTIONS) == len(DATA)
    with pytest.raises(InputError, match="no such file"):
        size_of(str(tmp_path / "missing"), OPTIONS)


def test_a_local_file(tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(DATA)
    with open_at(str(tmp_path / "dump"), 299_000, OPTIONS) as stream:
        assert stream.read() == DATA[299_000:]
