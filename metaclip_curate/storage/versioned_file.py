"""A small file as it was read, so that it can be replaced only as long as nobody else has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class VersionedFile:
    """A file's content at one moment.

    Attributes:
        data: All of it.
        version: What the store calls this content; only equality means anything.
    """

    data: bytes
    version: str


class PlainStore(Protocol):
    """What a store without conditional writes has."""

    def read_versioned(self, url: str) -> VersionedFile | None:
        """As `Store.read_versioned` says."""

    def write(self, url: str, data: bytes) -> None:
        """As `Store.write` says."""


def content_version(data: bytes) -> str:
    """The version of a content in a store that has no name of its own for it."""
    return hashlib.sha256(data).hexdigest()


def replace_if_unchanged(store: PlainStore, url: str, data: bytes, version: str) -> str | None:
    """As `Store.replace`, for a store that can't compare by itself: the content is compared right before the write.

    Somebody else may still write between the two. Files that several processes may want to write at the same moment
    need `Store.create`, which is exact; this one notices a writer that comes minutes too late.
    """
    found = store.read_versioned(url)
    if found is None or found.version != version:
        return None
    store.write(url, data)
    return content_version(data)
