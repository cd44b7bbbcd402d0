"""The members of a tar archive (POSIX ustar and pax, GNU), in one pass, with only the content that is needed.

The standard library's reader ends at a damaged header as if the archive ended there, and keeps a list of all members.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from metaclip_curate.extract.input_stats import InputStats
from metaclip_curate.extract.stored_bytes import Readable

_BLOCK = 512
_SKIPPED_BYTES = 1 << 18
_GNU_NAME, _PAX, _PAX_GLOBAL = b"L", b"x", b"g"
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_EMPTY = b"\0" * _BLOCK


class Member(NamedTuple):
    """A file in an archive.

    Attributes:
        name: Its path.
        data: Its content; None if it isn't needed or too large.
    """

    name: str
    data: bytes | None


class TarArchive:
    """Reads an archive from front to end.

    Args:
        stream: The archive's bytes. Of a local file, what isn't needed isn't read.
        stats: Damage is recorded here.
        is_needed: Returns whether the content of a member is needed, by its name.
        most_bytes: Largest number of bytes of a member whose content is returned.

    Attributes:
        position: Number of bytes that were read or passed over.
    """

    def __init__(
        self, stream: Readable | BinaryIO, stats: InputStats, is_needed: Callable[[str], bool], most_bytes: int
    ) -> None:
        self._stream = stream
        self._stats = stats
        self._is_needed = is_needed
        self._most_bytes = most_bytes
        self.position = 0

    def members(self) -> Iterator[Member]:
        """Yields the regular files. After a damaged header, reading goes on at the next one that isn't damaged.

        Raises:
            InputError: The stream raised it.
        """
        name = ""
        while (header := self._header()) is not None:
            if header.type in (_GNU_NAME, _PAX, _PAX_GLOBAL):
                content = self._content(header.size)
                if content is not None and header.type != _PAX_GLOBAL:
                    name = _gnu_name(content) if header.type == _GNU_NAME else _pax_path(content) or name
                continue
            name = name or header.name
            if header.type not in _FILES:
                self._skip(_padded(header.size))
            elif not self._is_needed(name):
                self._skip(_padded(header.size))
                yield Member(name, None)
            else:
                yield Member(name, self._content(header.size))
            name = ""

    def _header(self) -> tarfile.TarInfo | None:
        """Returns the next header; None at the end."""
        damaged = False
        while True:
            block = self._read(_BLOCK)
            if len(block) < _BLOCK or block == _EMPTY:
                if self.position and len(block) < _BLOCK:
                    self._stats.mark_damaged("the archive breaks off, since an empty block ends one")
                return None
            try:
                return tarfile.TarInfo.frombuf(block, "utf-8", "replace")
            except tarfile.HeaderError:
                if not damaged:
                    self._stats.mark_damaged("a header of the archive is damaged")
                damaged = True

    def _content(self, size: int) -> bytes | None:
        if size > self._most_bytes:
            self._stats.records_skipped += 1
            self._stats.mark_damaged(f"a member of more than {self._most_bytes:,} bytes")
            self._skip(_padded(size))
            return None
        data = self._read(size)
        self._skip(_padded(size) - size)
        # What is missing shows at the next header.
        return data if len(data) == size else None

    def _read(self, size: int) -> bytes:
        pieces = []
        while size and (piece := self._stream.read(size)):
            pieces.append(piece)
            size -= len(piece)
            self.position += len(piece)
        return b"".join(pieces)

    def _skip(self, size: int) -> None:
        seek = getattr(self._stream, "seek", None)
        if size > _BLOCK and seek is not None and self._stream.seekable():  # type: ignore[union-attr]
            seek(size, os.SEEK_CUR)
            self.position += size
            return
        while size and (piece := self._stream.read(min(size, _SKIPPED_BYTES))):
            size -= len(piece)
            self.position += len(piece)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _gnu_name(content: bytes) -> str:
    return content.rstrip(b"\0").decode("utf-8", "replace")


def _pax_path(content: bytes) -> str:
    """Returns the path in a pax header, whose records are "LENGTH KEY=VALUE"; empty if it has none."""
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(content):
            return ""
        key, _, value = content[len(length) + 1 : int(length) - 1].partition(b"=")
        if key == b"path":
            return value.decode("utf-8", "replace")
        content = content[int(length) :]
    return ""
