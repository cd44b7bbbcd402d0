"""What every store guarantees for small files: one maker, one replacer, an age by its clock."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pyarrow import fs

from metaclip_curate.errors import UserError
from metaclip_curate.storage import (
    StorageOptions,
    create_file,
    delete_file,
    exists,
    file_age,
    join,
    list_folder,
    read_versioned,
    replace_file,
    write_bytes,
)
from metaclip_curate.storage.s3_client import forget_clients
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.hdfs import hdfs_in
from tests.support.servers.s3 import S3Server

RunFolder = tuple[str, StorageOptions]


@pytest.fixture
def behind_faults(faulty_s3: FaultyHTTPServer, s3_server: S3Server) -> tuple[FaultyHTTPServer, StorageOptions]:
    """An S3 server with the faults that a test sets."""
    forget_clients()
    s3_server.put("faults", {})
    s3_server.client().delete_object(Bucket="faults", Key="token")
    return faulty_s3, StorageOptions(s3_endpoint_url=faulty_s3.url, max_attempts=3)


@pytest.fixture
def without_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Removes the waits between attempts."""
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", lambda seconds: None)
        yield


def test_a_file_is_made_once(run_folder: RunFolder) -> None:
    run, options = run_folder
    token = join(run, "token")
    assert read_versioned(token, options) is None
    version = create_file(token, b"first", options)
    assert version
    assert create_file(token, b"second", options) is None
    found = read_versioned(token, options)
    assert found is not None
    assert (found.data, found.version) == (b"first", version)
    assert list_folder(run, options) == ["token"]
    delete_file(token, options)
    delete_file(token, options)
    assert not exists(token, options)
    assert create_file(token, b"third", options)


def test_a_file_is_replaced_while_it_is_what_was_read(run_folder: RunFolder) -> None:
    run, options = run_folder
    token = join(run, "token")
    first = create_file(token, b"1", options)
    assert first
    second = replace_file(token, b"2", first, options)
    assert second
    assert replace_file(token, b"3", first, options) is None
    found = read_versioned(token, options)
    assert found is not None
    assert (found.data, found.version) == (b"2", second)
    write_bytes(token, b"another's", options)
    assert replace_file(token, b"3", second, options) is None
    delete_file(token, options)
    assert replace_file(token, b"3", second, options) is None
    assert not exists(token, options)


def test_of_many_who_make_a_file_one_does(run_folder: RunFolder) -> None:
    run, options = run_folder
    exists(run, options)  # whatever is made once is there
    start = Barrier(8)

    def make(number: int) -> str | None:
        start.wait()
        return create_file(join(run, "token"), str(number).encode(), options)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))
    winners = [number for number, version in enumerate(made) if version]
    assert len(winners) == 1
    found = read_versioned(join(run, "token"), options)
    assert found is not None
    assert found.data == str(winners[0]).encode()
    assert list_folder(run, options) == ["token"]


def test_a_files_age_is_by_its_stores_clock(run_folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run, options = run_folder
    token = join(run, "token")
    assert file_age(token, options) is None
    create_file(token, b"1", options)
    monkeypatch.setattr("time.time", lambda: 0.0)  # a driver whose clock is wrong
    seconds = file_age(token, options)
    assert seconds is not None
    assert -2.0 < seconds < 60.0
    assert list_folder(run, options) == ["token"]


def test_an_old_local_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"1")
    os.utime(tmp_path / "token", (time.time() - 400, time.time() - 400))
    assert file_age(str(tmp_path / "token"), StorageOptions()) == pytest.approx(400, abs=30)


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*names: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    token = str(tmp_path / "token")
    assert create_file(token, b"1", StorageOptions())
    assert create_file(token, b"2", StorageOptions()) is None
    assert (tmp_path / "token").read_bytes() == b"1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


def test_where_no_file_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(UserError, match="cannot be written"):
        create_file(str(tmp_path / "file" / "token"), b"", StorageOptions())
    assert read_versioned(str(tmp_path / "file" / "token"), StorageOptions()) is None


def test_an_answer_that_is_lost_is_no_other_writer(
    behind_faults: tuple[FaultyHTTPServer, StorageOptions], without_waits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3 repeats a request without an answer, and then finds the file that its first attempt made."""
    server, options = behind_faults
    monkeypatch.setattr(FaultyHTTPServer, "answer", _losing(FaultyHTTPServer.answer))
    server.fail("/faults/token", Fault(headers={"lose": "1"}))
    first = create_file("s3://faults/token", b"1", options)
    assert first
    server.fail("/faults/token", Fault(headers={"lose": "1"}))
    second = replace_file("s3://faults/token", b"2", first, options)
    assert second
    found = read_versioned("s3://faults/token", options)
    assert found is not None
    assert (found.data, found.version) == (b"2", second)


def _losing(real: Callable[..., Any]) -> Callable[..., Any]:
    """Answers 500 after carrying out a request whose fault has the header `lose`."""

    def answer(self: FaultyHTTPServer, request: Any, body: bytes, fault: Fault) -> Any:
        right = real(self, request, body, fault)
        if "lose" in fault.headers:
            right.status, right.body = 500, b""
        return right

    return answer


def test_a_conflict_is_tried_again(behind_faults: tuple[FaultyHTTPServer, StorageOptions], without_waits: None) -> None:
    server, options = behind_faults
    server.fail("/faults/token", Fault(status=409), Fault(status=409))
    assert create_file("s3://faults/token", b"1", options)
    server.fail("/faults/token", *[Fault(status=409)] * 5)
    with pytest.raises(OSError, match="409"):
        create_file("s3://faults/token", b"1", options)


@pytest.mark.slow
@pytest.mark.parametrize("status", [501, 400])
def test_a_service_without_conditions(
    behind_faults: tuple[FaultyHTTPServer, StorageOptions], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    _, options = behind_faults
    real = FaultyHTTPServer.answer

    def answer(self: FaultyHTTPServer, request: Any, body: bytes, fault: Fault) -> Any:
        if request.method == "PUT" and request.headers.keys() & {"if-match", "if-none-match"}:
            fault = Fault(status=status)
        return real(self, request, body, fault)

    monkeypatch.setattr(FaultyHTTPServer, "answer", answer)
    first = create_file("s3://faults/token", b"1", options)
    assert first
    assert create_file("s3://faults/token", b"2", options) is None
    assert replace_file("s3://faults/token", b"2", '"another"', options) is None
    second = replace_file("s3://faults/token", b"2", first, options)
    found = read_versioned("s3://faults/token", options)
    assert found is not None
    assert (found.data, found.version) == (b"2", second)


def test_a_broken_answer_is_read_again(behind_faults: tuple[FaultyHTTPServer, StorageOptions]) -> None:
    server, options = behind_faults
    create_file("s3://faults/token", b"1234", options)
    server.fail("/faults/token", Fault(after=2))
    found = read_versioned("s3://faults/token", options)
    assert found is not None
    assert found.data == b"1234"


def test_hdfs_renames_onto_nothing_only(tmp_path: Path) -> None:
    """The imitation must have this property of HDFS, or the tests with it mean nothing."""
    files = hdfs_in(tmp_path)
    for name in ("a", "b"):
        with files.open_output_stream(name) as stream:
            stream.write(name.encode())
    with pytest.raises(OSError, match="rename"):
        files.move("a", "b")
    assert isinstance(files, fs.FileSystem)
