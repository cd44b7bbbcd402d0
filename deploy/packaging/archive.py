"""Packing a folder as a tar.gz that depends only on the folder's content."""

from __future__ import annotations

import tarfile
from pathlib import Path

from isal import igzip

# 1980-01-01 for all files, as some tools refuse 0.
_TIME = 315532800


def write_archive(folder: Path, archive: Path) -> None:
    """Packs a folder with sorted names and without times, owners and groups.

    Args:
        folder: The folder, to which the names in the archive are relative.
        archive: File to write.
    """
    with (
        archive.open("wb") as raw,
        igzip.IGzipFile("", "wb", 3, raw, mtime=0) as packed,  # type: ignore[no-untyped-call]
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False, filter=_plain)


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = _TIME
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
