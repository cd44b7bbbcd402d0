"""A file's bytes as they are stored, and the pieces that they become once they are unpacked."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from metaclip_curate.storage import InputError

_READ_BYTES = 1 << 18

# What is unpacked is passed on without a copy.
Bytes: TypeAlias = bytes | bytearray


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Returns up to `size` bytes, none at the end."""


class End(Enum):
    """What a piece of unpacked bytes ends with."""

    NOTHING = "nothing: more of the same follows"
    MEMBER = "a gzip member or zstd frame, whose checksum is right"
    FILE = "the file"
    CUT = "the file, inside a member"
    BROKEN = "what came before reading was given up"
    DAMAGE = "damage"


class Piece(NamedTuple):
    """Some unpacked bytes of a file; the pieces follow each other."""

    data: Bytes
    end: End


class StoredBytes:
    """The stored bytes that have been read; those before `at` are consumed.

    Args:
        stream: Where they come from.

    Attributes:
        buffer: What has been read and not yet been forgotten.
        at: Where in it the first byte is that isn't consumed.
        ended: Whether no more can be read.
        broken: Why, if it isn't that the file ends.
        bytes_read: How many were read so far.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.buffer = b""
        self.at = 0
        self.ended = False
        self.broken: InputError | None = None
        self.bytes_read = 0

    @property
    def ahead(self) -> int:
        """How many bytes are read and not consumed."""
        return len(self.buffer) - self.at

    def fill(self, size: int) -> bool:
        """Reads until `size` bytes are ahead or the stream ends.

        Returns:
            Whether so many are there.
        """
        while self.ahead < size and not self.ended:
            self.more()
        return self.ahead >= size

    def more(self) -> None:
        """Reads one piece and forgets what is consumed."""
        try:
            data = self._stream.read(_READ_BYTES)
        except InputError as error:
            # What came before it can still be used.
            self.broken = error
            data = b""
        self.ended = not data
        self.bytes_read += len(data)
        self.buffer = self.buffer[self.at :] + data
        self.at = 0

    def starts_with(self, start: bytes) -> bool:
        """Whether the bytes ahead, as far as they are read, start so."""
        return self.buffer.startswith(start, self.at)

    def window(self, offset: int, size: int) -> bytes:
        """Returns up to `size` of the bytes that are read, from `offset` bytes ahead on."""
        start = self.at + offset
        return self.buffer[start : start + size]

    def consume(self, size: int) -> None:
        """Consumes so many bytes, or as many as there are."""
        self.at = min(self.at + size, len(self.buffer))

    def take_all(self) -> bytes:
        """Consumes all that is read."""
        data = self.buffer[self.at :]
        self.buffer, self.at = b"", 0
        return data
