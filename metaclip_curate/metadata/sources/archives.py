"""The files inside of zip and tar archives, read from memory within a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Protocol

from metaclip_curate.errors import UserError

_ARCHIVE = re.compile(r".*\.(?:zip|tar|tgz|tar\.(?:gz|bz2|xz))")
# The largest wordnet, Princeton's, has 24 MB; all of Open Multilingual WordNet 1.4 have less than 200.
MOST_UNPACKED_BYTES = 1 << 30
_PIECE_BYTES = 1 << 20


def is_archive(path: str) -> bool:
    """Returns whether a file's name is that of an archive."""
    return _ARCHIVE.fullmatch(path) is not None


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Reads up to `size` bytes."""


class UnpackingLimit:
    """A limit on the bytes that are unpacked from a file, since a small file can unpack to any size.

    Args:
        path: Name of the file, for messages.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._left = MOST_UNPACKED_BYTES

    def read_all(self, stream: Readable) -> bytes:
        """Reads a stream to its end.

        Raises:
            UserError: More was unpacked than any wordnet has.
        """
        return b"".join(iter(partial(self.read, stream, _PIECE_BYTES), b""))

    def read(self, stream: Readable, size: int) -> bytes:
        """Reads up to `size` bytes.

        Raises:
            UserError: More was unpacked than any wordnet has.
        """
        data = stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UserError(
                f"{self._path} unpacks to more than {MOST_UNPACKED_BYTES / 2**20:,.0f} MiB, as no wordnet does: "
                "take it out of --sources, or download it again"
            )
        return data


class _Bounded:
    """A stream with a limit."""

    def __init__(self, stream: Readable, limit: UnpackingLimit) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, size: int, /) -> bytes:
        return self._limit.read(self._stream, size)


def files_in(path: str, data: bytes, limit: UnpackingLimit) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """Yields name and opener of each file in an archive, or of the file itself if it isn't an archive.

    Args:
        path: Name of the file, whose suffix says the format.
        data: Content of the file.
        limit: Limit on the unpacked bytes. Of a tar, it also limits what `files_in` unpacks itself.

    Yields:
        Name and opener. A file of a tar must be opened before the next one is requested.
    """
    stored = io.BytesIO(data)
    if not is_archive(path):
        yield path, lambda: stored
    elif path.endswith(".zip"):
        with zipfile.ZipFile(stored) as archive:
            for name in archive.namelist():
                yield name, partial(archive.open, name)
    else:
        # The headers of a tar can be long as well, so everything that is unpacked counts.
        unpacked = _Bounded(_without_packing(stored), limit)
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:  # type: ignore[call-overload]  # the protocol suffices
            for member in tar:
                if member.isfile():
                    yield member.name, partial(_extracted, tar, member)


def _without_packing(stored: io.BytesIO) -> Readable:
    """Decompresses a tar."""
    start = stored.getvalue()[:6]
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=stored)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(stored)
    return lzma.LZMAFile(stored) if start.startswith(b"\xfd7zXZ") else stored


def _extracted(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None  # the member is a file
    return file
