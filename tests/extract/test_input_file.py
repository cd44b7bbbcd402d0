"""An input file whose first bytes may be needed to know how to read it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.extract.input_file import InputFile
from metaclip_curate.extract.pools.forms import Form
from metaclip_curate.storage import InputError, StorageOptions
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.fixtures import faulty_http

__all__ = ["faulty_http"]

STORAGE = StorageOptions(read_timeout=2, max_attempts=4)
ROWS = [{"url": f"https://a.example/{number}.jpg", "text": f"text {number}"} for number in range(2000)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def uids(path: str) -> list[str]:
    stats = InputStats("same name for all")
    found = [uid for batch in read_pairs(path, ReadOptions(), STORAGE, stats) for uid in batch["uid"].to_pylist()]
    assert stats.status == "ok", stats.error
    return found


def tar() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for number, row in enumerate(ROWS[:20]):
            for name, data in ((f"{number}.json", json.dumps(row).encode()), (f"{number}.txt", row["text"].encode())):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


@pytest.mark.parametrize("kind", ["a pool", "a crawl file", "a tar"])
def test_a_file_without_a_known_ending_is_requested_once(
    faulty_http: FaultyHTTPServer, mini_wats: list[Path], tmp_path: Path, kind: str
) -> None:
    data = {"a pool": LINES, "a crawl file": mini_wats[0].read_bytes(), "a tar": tar()}[kind]
    ending = {"a pool": "x.jsonl", "a crawl file": "x.warc.wat.gz", "a tar": "x.tar"}[kind]
    (tmp_path / ending).write_bytes(data)
    expected = uids(str(tmp_path / ending))
    assert expected
    assert uids(faulty_http.add("/whole", data)) == expected
    assert len(faulty_http.requests) == 1
    # The bytes that were looked at count as read: a break after them is followed by a request for the rest.
    assert uids(faulty_http.add("/broken", data, [Fault(after=len(data) // 2, ending="reset")])) == expected
    assert len(faulty_http.requests) == 3


def test_a_file_that_nothing_reads_is_closed(tmp_path: Path) -> None:
    (tmp_path / "unnamed").write_bytes(LINES)
    file = InputFile(str(tmp_path / "unnamed"), STORAGE)
    assert file.form() is Form.JSON_LINES
    file.close()
    with file.open() as stream:
        assert stream.read() == LINES
    with pytest.raises(InputError, match="No such file"):
        InputFile(str(tmp_path / "gone"), STORAGE).form()
