"""Images of a download's shards, one at a time."""

from __future__ import annotations

import tarfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate.errors import UserError
from metaclip_curate.storage import is_local
from metaclip_curate.storage.urls import local_path

_MOST_BYTES = 64 << 20
_SHARDS = 64  # whose members are remembered
# The first bytes of the types that are shown. SVG, which may have scripts, isn't among them.
_TYPES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"))
_WEBP = (b"RIFF", b"WEBP")


class Member(NamedTuple):
    """Where a file's bytes are in a tar."""

    offset: int
    size: int


class DownloadedImages:
    """The images in a folder that `metaclip-curate download` wrote. Threads may share it.

    Args:
        folder: Path of the folder.

    Raises:
        UserError: The folder isn't on this computer, or has no such shards.
    """

    def __init__(self, folder: str) -> None:
        if not is_local(folder):
            raise UserError(f"--images {folder} isn't on this computer: copy the shards to a local folder")
        self._folder = Path(local_path(folder))
        self._tables = sorted(self._folder.glob("*.parquet")) if self._folder.is_dir() else []
        if not any(path.with_suffix(".tar").is_file() for path in self._tables):
            raise UserError(f"--images {folder} has no shards: name the folder that `metaclip-curate download` wrote")
        self._members: OrderedDict[str, dict[str, Member]] = OrderedDict()
        self._lock = threading.Lock()

    def rows(self) -> pa.Table:
        """Returns the pairs whose images were fetched: uid, shard and key.

        Raises:
            UserError: A table lacks a column or is damaged.
        """
        found = []
        for path in self._tables:
            try:
                rows = pq.read_table(path, columns=["uid", "key", "status"])
            except (pa.ArrowException, OSError) as error:
                raise UserError(f"{path} has no columns uid, key and status that can be read: {error}") from error
            rows = rows.filter(pa.compute.equal(rows["status"], "success"))
            shard = pa.repeat(path.stem, rows.num_rows)
            found.append(pa.table([rows["uid"], shard, rows["key"].cast(pa.string())], names=["uid", "shard", "key"]))
        return pa.concat_tables(found)

    def read(self, shard: str, key: str) -> tuple[bytes, str] | None:
        """Returns the bytes of an image and their media type; None if they aren't there or of no type that is shown."""
        path = self._folder / f"{shard}.tar"
        try:
            member = self._of_shard(path).get(key)
            if member is None or member.size > _MOST_BYTES:
                return None
            with path.open("rb") as file:
                file.seek(member.offset)
                data = file.read(member.size)
        except (OSError, tarfile.TarError):
            return None
        kind = _type_of(data)
        return (data, kind) if kind else None

    def _of_shard(self, path: Path) -> dict[str, Member]:
        with self._lock:
            if path.name not in self._members:
                self._members[path.name] = _image_members(path)
                if len(self._members) > _SHARDS:
                    self._members.popitem(last=False)
            self._members.move_to_end(path.name)
            return self._members[path.name]


def _image_members(path: Path) -> dict[str, Member]:
    """Returns the images of a tar by key."""
    members = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, ending = member.name.partition(".")
            if member.isfile() and ending in ("jpg", "jpeg", "png", "webp", "gif"):
                members[key] = Member(member.offset_data, member.size)
    return members


def _type_of(data: bytes) -> str:
    if data[:4] == _WEBP[0] and data[8:12] == _WEBP[1]:
        return "image/webp"
    return next((kind for start, kind in _TYPES if data.startswith(start)), "")
