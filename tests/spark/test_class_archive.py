"""The archive of Spark's classes: which one a session uses, and that it appears whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.spark import class_archive
from metaclip_curate.spark.class_archive import archive_options, archive_path, write_archive
from metaclip_curate.spark.session import local_settings


@pytest.fixture()
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the archive of a Java belongs, in a folder of the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "the cache"))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    path = archive_path(str(tmp_path / "jdk"))
    path.parent.mkdir(parents=True, mode=0o700)
    return path


def test_a_session_uses_the_archive_of_its_java(archive: Path) -> None:
    assert "SharedArchiveFile" not in local_settings("1g")["spark.driver.defaultJavaOptions"]
    archive.write_bytes(b"classes")
    # In quotation marks, since Spark cuts the options at spaces.
    assert f'"-XX:SharedArchiveFile={archive}"' in local_settings("1g")["spark.driver.defaultJavaOptions"]
    assert archive_options("/another/jdk") == ""


def test_each_spark_has_an_archive_of_its_own(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", "/opt/spark")
    assert archive_path(os.environ["JAVA_HOME"]) != archive


def _writable_by_all(archive: Path) -> None:
    archive.chmod(0o666)


def _in_a_folder_of_all(archive: Path) -> None:
    archive.parent.chmod(0o777)


def _a_link(archive: Path) -> None:
    archive.rename(archive.with_name("elsewhere"))
    archive.symlink_to(archive.with_name("elsewhere"))


@pytest.mark.parametrize("change", [_writable_by_all, _in_a_folder_of_all, _a_link])
def test_what_another_may_have_written_is_not_used(archive: Path, change: Callable[[Path], None]) -> None:
    archive.write_bytes(b"classes")
    assert archive_options(os.environ["JAVA_HOME"])
    change(archive)
    assert archive_options(os.environ["JAVA_HOME"]) == ""


class _Session:
    """Stands for a session whose Java writes an archive when it exits."""

    def __init__(self, settings: dict[str, str], written: bytes) -> None:
        found = re.search(r'"-XX:ArchiveClassesAtExit=([^"]+)"', settings["spark.driver.defaultJavaOptions"])
        assert found
        self._path, self._written = Path(found[1]), written
        process = SimpleNamespace(stdin=SimpleNamespace(close=self._exit), wait=lambda seconds: 0)
        self.sparkContext = SimpleNamespace(_gateway=SimpleNamespace(proc=process))

    def stop(self) -> None:
        assert not self._path.stat().st_size

    def _exit(self) -> None:
        self._path.unlink()  # as Java does before it writes
        if self._written:
            self._path.write_bytes(self._written)


def _start(written: bytes) -> Callable[[dict[str, str]], Any]:
    return lambda settings: _Session(settings, written)


def test_it_replaces_an_older_one_when_it_is_complete(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_archive, "_load_classes", lambda session: None)
    home = os.environ["JAVA_HOME"]
    assert write_archive(home, _start(b"first")) == archive
    write_archive(home, _start(b"second"))
    assert archive.read_bytes() == b"second"
    with pytest.raises(UserError, match="this Java can't write an archive"):
        write_archive(home, _start(b""))
    assert archive.read_bytes() == b"second"
    assert list(archive.parent.iterdir()) == [archive]


def test_a_server_of_spark_connect_has_no_archive(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://host")
    with pytest.raises(UserError, match="unset SPARK_REMOTE"):
        write_archive("", _start(b"classes"))
