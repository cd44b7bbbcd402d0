"""What a stream reads from: an object in a store, one answer about it, and the object's version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Version:
    """What distinguishes one state of an object from another; unknown fields are empty.

    Attributes:
        size: Bytes of the whole object.
        etag: The ETag header.
        last_modified: Time of the last change, in the store's notation; only equality means anything.
    """

    size: int | None = None
    etag: str = ""
    last_modified: str = ""

    @property
    def identifies(self) -> bool:
        """Whether a change of the object would show. The size alone may stay the same."""
        return bool(self.etag or self.last_modified)

    def is_comparable(self, other: Version) -> bool:
        """Returns whether both have a mark in common, or this one never had any."""
        marks = [(self.etag, other.etag), (self.last_modified, other.last_modified)]
        return not self.identifies or any(mine and theirs for mine, theirs in marks)

    def conflict(self, other: Version) -> str:
        """Returns how the other version contradicts this one, or "". An unknown field contradicts nothing."""
        for name in ("etag", "last_modified", "size"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine not in (None, "") and theirs not in (None, "") and mine != theirs:
                return f"{name} was {mine}, now {theirs}"
        return ""


class Connection(Protocol):
    """One answer of a store: the bytes of an object from `start` to its end."""

    @property
    def version(self) -> Version:
        """Version of the object that this answer is from."""

    @property
    def start(self) -> int:
        """Offset in the object of the first byte of this answer."""

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes, none only at the end.

        Raises:
            TransientError: The connection broke. Bytes that weren't returned are requested again.
        """

    def close(self) -> None:
        """Closes the connection."""


class Source(Protocol):
    """An object in a store."""

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> Connection:
        """Requests the bytes from `offset` on.

        Args:
            offset: Position in the object, in bytes. The answer may start before it, but never after.
            version: Version of the bytes that were read already; None if there are none.
            end: Position after the last byte that is needed. The answer may go on after it. Default: the object's end.

        Raises:
            TransientError: The request may succeed later.
            RefusedError: It won't.
        """

    def close(self) -> None:
        """Closes what is kept open between connections."""


def byte_range(start: int, end: int | None) -> str:
    """Returns the value of a Range header (RFC 9110, section 14.1.2).

    Args:
        start: Offset of the first byte.
        end: Offset after the last byte; None for the object's end.
    """
    return f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
