"""Files of archives are found whatever the packing, and unpacking stops at its limit."""

from __future__ import annotations

import io
import tarfile

import pytest

from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources import archives
from metaclip_curate.metadata.sources.archives import UnpackingLimit, files_in, is_archive
from tests.support.servers.wikimedia import zipped

FILES = {"a/one.tab": b"one", "two.tab": b"two" * 1000}


def tarred(packing: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{packing}") as tar:  # type: ignore[call-overload]
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def unpack(path: str, data: bytes) -> dict[str, bytes]:
    limit = UnpackingLimit(path)
    found = {}
    for name, opened in files_in(path, data, limit):
        with opened() as file:
            found[name] = limit.read_all(file)
    return found


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
def test_tars(packing: str) -> None:
    path = f"x.tar.{packing}".rstrip(".")
    assert is_archive(path)
    assert unpack(path, tarred(packing)) == FILES


def test_zips_and_single_files() -> None:
    assert unpack("x.zip", zipped(FILES)) == FILES
    assert not is_archive("x.tab.gz")
    assert unpack("x.tab", b"one") == {"x.tab": b"one"}


@pytest.mark.parametrize(("path", "data"), [("x.zip", zipped(FILES)), ("x.tar.xz", tarred("xz"))])
def test_unpacking_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch, path: str, data: bytes) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 2000)
    with pytest.raises(UserError, match=f"{path} unpacks to more than"):
        unpack(path, data)
