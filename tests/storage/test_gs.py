"""Inputs and run folders on Google Cloud Storage, as gcsfs sees a server on loopback."""

from __future__ import annotations

import importlib
import random
from pathlib import Path
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.storage import (
    InputError,
    StorageOptions,
    delete_folder,
    exists,
    expand_inputs,
    list_folder,
    open_input,
    read_bytes,
    upload_file,
    write_bytes,
)
from tests.support.servers.faulty_http import Fault, FaultyHTTPServer
from tests.support.servers.gcs import GcsServer

DATA = random.Random(2).randbytes(1_000_000)
OPTIONS = StorageOptions(read_timeout=2, max_attempts=3)


def test_the_bytes_are_the_objects(gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    gcs_server.objects["bucket/a b/c#1.wat.gz"] = DATA
    with FaultyHTTPServer(upstream=gcs_server.url) as faulty:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", faulty.url)
        faulty.fail(
            "/download/storage/v1/b/bucket/o/a%20b%2Fc%231.wat.gz?alt=media", Fault(after=300_000), Fault(status=503)
        )
        with open_input("gs://bucket/a b/c#1.wat.gz", OPTIONS, sleep=lambda _: None) as stream:
            assert stream.read() == DATA
        assert [request.headers.get("range") for request in faulty.requests] == [None, *["bytes=300000-"] * 2]
        # Without it Google unpacks what is stored as Content-Encoding: gzip.
        assert {request.headers["accept-encoding"] for request in faulty.requests} == {"gzip"}


def test_a_missing_object(gcs_server: GcsServer) -> None:
    with pytest.raises(InputError, match="404"):
        open_input("gs://bucket/none", OPTIONS)


def test_expansion(gcs_server: GcsServer) -> None:
    for name in ("x/b.wat.gz", "x/a.wat", "x/y/c.warc.gz", "x/notes.txt", "x2/d.wat"):
        gcs_server.objects[f"bucket/{name}"] = b"1"
    gcs_server.objects["bucket/my.paths"] = b"crawl-data/X/a.wat.gz\ngs://bucket/x/a.wat\n"
    below_x = ["gs://bucket/x/a.wat", "gs://bucket/x/b.wat.gz", "gs://bucket/x/y/c.warc.gz"]
    assert expand_inputs(["gs://bucket/x"], OPTIONS, 0).names == below_x
    assert expand_inputs(["gs://bucket/x/"], OPTIONS, 0).names == below_x
    assert expand_inputs(["gs://bucket/x/*.wat*"], OPTIONS, 0).names == below_x[:2]
    assert expand_inputs(["gs://bucket/x/b.wat.gz"], OPTIONS, 0).names == below_x[1:2]
    assert expand_inputs(["gs://bucket/my.paths"], OPTIONS, 0).names == ["crawl-data/X/a.wat.gz", "gs://bucket/x/a.wat"]
    for nothing in ("gs://bucket/z", "gs://bucket/z/", "gs://bucket/x/*.nope"):
        with pytest.raises(UserError, match=r"gs://bucket/"):
            expand_inputs([nothing], OPTIONS, 0)


def test_run_folder(gcs_server: GcsServer, tmp_path: Path) -> None:
    write_bytes("gs://bucket/run/a.json", b"1", OPTIONS)
    write_bytes("gs://bucket/run/a.json", b"2", OPTIONS)
    (tmp_path / "part").write_bytes(DATA)
    upload_file(str(tmp_path / "part"), "gs://bucket/run/deep/part", OPTIONS)
    write_bytes("gs://bucket/run2/other", b"", OPTIONS)
    assert read_bytes("gs://bucket/run/a.json", OPTIONS) == b"2"
    assert read_bytes("gs://bucket/run/deep/part", OPTIONS) == DATA
    assert list_folder("gs://bucket/run", OPTIONS) == ["a.json", "deep/"]
    assert list_folder("gs://bucket/run/", OPTIONS, recursive=True) == ["a.json", "deep/part"]
    assert exists("gs://bucket/run", OPTIONS)
    assert exists("gs://bucket/run/a.json", OPTIONS)
    assert not exists("gs://bucket/run/b.json", OPTIONS)
    with pytest.raises(FileNotFoundError):
        read_bytes("gs://bucket/run/b.json", OPTIONS)
    delete_folder("gs://bucket/run", OPTIONS)
    delete_folder("gs://bucket/run", OPTIONS)
    assert set(gcs_server.objects) == {"bucket/run2/other"}
    assert list_folder("gs://bucket/run", OPTIONS) == []


def test_forbidden_is_not_taken_for_missing(gcs_server: GcsServer) -> None:
    gcs_server.status = 403
    for action in (exists, list_folder, read_bytes):
        with pytest.raises(UserError, match=r"403|Forbidden"):
            action("gs://bucket/run", OPTIONS)
    with pytest.raises(UserError, match=r"403|Forbidden"):
        write_bytes("gs://bucket/run", b"", OPTIONS)


def test_without_gcsfs_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without_gcsfs(name: str) -> Any:
        if name == "gcsfs":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_gcsfs)
    with pytest.raises(UserError, match=r"pip install --editable '\.\[gcs\]'"):
        open_input("gs://bucket/a", OPTIONS)
    with pytest.raises(UserError, match=r"pip install"):
        exists("gs://bucket/a", OPTIONS)
