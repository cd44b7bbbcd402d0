"""The files of a run folder, in every store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import fs

from metaclip_curate.errors import UserError
from metaclip_curate.storage import (
    InputStream,
    StorageOptions,
    delete_folder,
    exists,
    file_sizes,
    join,
    list_folder,
    read_bytes,
    stores,
    upload_file,
    write_bytes,
)
from metaclip_curate.storage import hdfs as hdfs_module
from metaclip_curate.storage.s3_client import forget_clients
from tests.support.servers.s3 import Credentials, S3Server

RunFolder = tuple[str, StorageOptions]


def test_write_read_list_delete(run_folder: RunFolder, tmp_path: Path) -> None:
    run, options = run_folder
    assert not exists(run, options)
    assert list_folder(run, options) == list_folder(run, options, recursive=True) == []
    delete_folder(run, options)
    write_bytes(join(run, "run.json"), b"1", options)
    write_bytes(join(run, "run.json"), b"2", options)
    write_bytes(join(run, "pairs", "part-0"), b"", options)
    local = tmp_path / "local"
    local.write_bytes(bytes(range(256)) * 50_000)  # over 8 MB: S3 gets it in parts
    upload_file(str(local), join(run, "pairs", "deep", "part-1"), options)
    write_bytes(join(run + "2", "other"), b"3", options)
    assert read_bytes(join(run, "run.json"), options) == b"2"
    assert read_bytes(join(run, "pairs/part-0"), options) == b""
    assert read_bytes(join(run, "pairs/deep/part-1"), options) == local.read_bytes()
    assert list_folder(run, options) == ["pairs/", "run.json"]
    assert list_folder(run + "/", options) == ["pairs/", "run.json"]
    assert list_folder(join(run, "pairs"), options, recursive=True) == ["deep/part-1", "part-0"]
    assert file_sizes(join(run, "pairs"), options) == {"part-0": 0}
    below = {"part-0": 0, "deep/part-1": local.stat().st_size}
    assert file_sizes(join(run, "pairs"), options, recursive=True) == below
    assert file_sizes(join(run, "none"), options, recursive=True) == {}
    assert exists(run, options)
    assert exists(join(run, "pairs"), options)
    assert exists(join(run, "run.json"), options)
    assert not exists(join(run, "run"), options)
    with pytest.raises(FileNotFoundError, match="none"):
        read_bytes(join(run, "none"), options)
    with pytest.raises(FileNotFoundError):
        upload_file(str(tmp_path / "missing"), join(run, "missing"), options)
    assert not exists(join(run, "missing"), options)
    delete_folder(join(run, "pairs"), options)
    assert list_folder(run, options, recursive=True) == ["run.json"]
    delete_folder(run, options)
    assert not exists(run, options)
    assert read_bytes(join(run + "2", "other"), options) == b"3"


def test_sizes_of_files_behind_links(tmp_path: Path) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    for folder in (run / "pairs", elsewhere):
        folder.mkdir(parents=True)
    (elsewhere / "a").write_bytes(b"1")
    for name, target in {"00000": elsewhere, "00001": elsewhere, "loop": run, "gone": tmp_path / "nothing"}.items():
        (run / "pairs" / name).symlink_to(target)
    assert file_sizes(str(run), StorageOptions(), recursive=True) == {"pairs/00000/a": 1, "pairs/00001/a": 1}
    assert file_sizes(str(run), StorageOptions()) == {}


@pytest.mark.parametrize("url", ["/", "s3://bucket", "s3://bucket/", "gs://bucket//", "hdfs://namenode:8020/", ""])
def test_a_whole_store_is_never_deleted(url: str) -> None:
    with pytest.raises(ValueError, match="whole store"):
        delete_folder(url, StorageOptions())


def test_more_objects_than_a_page(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_clients()
    options = StorageOptions(s3_endpoint_url=s3_server.url)
    names = [f"run/{n:02d}" for n in range(25)]
    s3_server.put("paged", dict.fromkeys(names, b""))
    store = stores.store_of("s3://paged/run", options)
    real: Callable[..., Any] = store._pages  # type: ignore[attr-defined]
    monkeypatch.setattr(type(store), "_pages", lambda self, url, **named: real(url, **{**named, "page_size": 10}))
    assert len(store.list("s3://paged/run", recursive=True)) == 25
    store.delete_folder("s3://paged/run")
    assert store.list("s3://paged/run", recursive=True) == []


def test_nobody_sees_half_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "mark")
    bodies = [bytes([n]) * 200_000 for n in range(2)]
    write_bytes(path, bodies[0], StorageOptions())
    done = threading.Event()

    def write() -> None:
        for n in range(60):
            write_bytes(path, bodies[n % 2], StorageOptions())
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set():
        reads += 1
        assert read_bytes(path, StorageOptions()) in bodies
        assert list_folder(str(tmp_path), StorageOptions()) == ["mark"]
    writer.join()
    assert reads > 1


def test_a_writer_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mark"
    write_bytes(str(path), b"old", StorageOptions())

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(str(path), b"new", StorageOptions())
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["mark"]


def test_local_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    for name in ("file/mark", "file/deep/mark", "folder"):
        with pytest.raises(UserError, match="cannot be written"):
            write_bytes(str(tmp_path / name), b"", StorageOptions())
    with pytest.raises(UserError, match="scheme https"):
        write_bytes("https://host/mark", b"", StorageOptions())


@pytest.mark.slow
def test_s3_mistakes(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    options = StorageOptions(s3_endpoint_url=s3_server.url, max_attempts=2)
    s3_server.put("runs", {"x/a": b"1"})
    forget_clients()
    with pytest.raises(UserError, match="NoSuchBucket"):
        write_bytes("s3://no-such-bucket/a", b"", options)
    for stranger in (s3_server.stranger, Credentials("AKIANOBODY", "guessed")):
        forget_clients()
        for name, value in stranger.environment().items():
            monkeypatch.setenv(name, value)
        for action in (read_bytes, exists, list_folder, delete_folder):
            with pytest.raises(UserError, match="403"):
                action("s3://runs/x/a", options)
        with pytest.raises(UserError, match="403"):
            write_bytes("s3://runs/x/b", b"", options)
        with pytest.raises(UserError, match=r"AccessDenied|InvalidAccessKeyId"):
            upload_file(__file__, "s3://runs/x/c", options)


def test_hdfs_without_hadoop_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HADOOP_HOME", "CLASSPATH", "ARROW_LIBHDFS_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="HADOOP_HOME"):
        exists("hdfs://127.0.0.1:1/run", StorageOptions())


def test_inputs_on_hdfs(tmp_path: Path) -> None:
    (tmp_path / "a.wat.gz").write_bytes(b"\x1f\x8b stored as it is")
    files = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    source = hdfs_module.ArrowSource(files, "hdfs://namenode/a.wat.gz")
    with InputStream("a", source, StorageOptions(), lambda _: None) as stream:
        assert stream.read() == b"\x1f\x8b stored as it is"
    assert source.connect(3, None).read(100) == b"stored as it is"
