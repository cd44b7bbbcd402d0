"""A file's bytes as they are stored, and the pieces that they decompress to."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from metaclip_curate.storage import InputError

_READ_BYTES = 1 << 18

# Decompressed bytes are passed on without a copy.
Bytes: TypeAlias = bytes | bytearray


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Returns up to `size` bytes, none only at the end."""


class End(Enum):
    """What a piece of decompressed bytes ends with."""

    NOTHING = "nothing: the member or file goes on"
    MEMBER = "the end of a gzip member or zstd frame with the right checksum"
    FILE = "the end of the file"
    CUT = "the end of the file inside a member"
    BROKEN = "the last byte before reading was given up"
    DAMAGE = "damage"


class Piece(NamedTuple):
    """A part of a file's decompressed bytes. Pieces come in the file's order, without gaps."""

    data: Bytes
    end: End


class StoredBytes:
    """A buffer over a file's stored bytes, with a position up to which they are consumed.

    Args:
        stream: Stream of the file's bytes.

    Attributes:
        buffer: Bytes that were read and may still be needed.
        position: Index in `buffer` of the first byte that isn't consumed.
        ended: Whether no more bytes can be read.
        broken: The error that ended reading; None at the end of the file.
        bytes_read: Number of bytes read so far.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.buffer = b""
        self.position = 0
        self.ended = False
        self.broken: InputError | None = None
        self.bytes_read = 0

    @property
    def ahead(self) -> int:
        """Number of bytes that are read but not consumed."""
        return len(self.buffer) - self.position

    def fill(self, size: int) -> bool:
        """Reads until `size` bytes are ahead or the stream ends; returns whether they are."""
        while self.ahead < size and not self.ended:
            self.more()
        return self.ahead >= size

    def more(self) -> None:
        """Reads once from the stream, and forgets the consumed bytes."""
        try:
            data = self._stream.read(_READ_BYTES)
        except InputError as error:
            # The bytes before it can still be used.
            self.broken = error
            data = b""
        self.ended = not data
        self.bytes_read += len(data)
        self.buffer = self.buffer[self.position :] + data
        self.position = 0

    def starts_with(self, start: bytes) -> bool:
        """Returns whether the bytes ahead, as far as they are read, start with `start`."""
        return self.buffer.startswith(start, self.position)

    def window(self, offset: int, size: int) -> bytes:
        """Returns up to `size` bytes of those that are read, from `offset` bytes ahead."""
        start = self.position + offset
        return self.buffer[start : start + size]

    def consume(self, size: int) -> None:
        """Consumes `size` bytes, or as many as are read."""
        self.position = min(self.position + size, len(self.buffer))

    def take_all(self) -> bytes:
        """Consumes and returns all bytes that are read."""
        data = self.buffer[self.position :]
        self.buffer, self.position = b"", 0
        return data
