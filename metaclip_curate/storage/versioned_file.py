"""A small file with its version, so that a writer replaces it only if nobody else has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class VersionedFile:
    """A file's content at one moment.

    Attributes:
        data: The whole content.
        version: The store's identifier of this content; only equality means anything.
    """

    data: bytes
    version: str


class PlainStore(Protocol):
    """The part of a store without conditional writes that `replace_if_unchanged` needs."""

    def read_versioned(self, url: str) -> VersionedFile | None:
        """Reads a file and its version, as `Store.read_versioned` does."""

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file, as `Store.write` does."""


def content_version(data: bytes) -> str:
    """Returns the version of a content for a store that has no identifier of its own: its SHA-256."""
    return hashlib.sha256(data).hexdigest()


def replace_if_unchanged(store: PlainStore, url: str, data: bytes, version: str) -> str | None:
    """Does what `Store.replace` does, for a store that can't compare and write in one step.

    The content is compared right before the write, and somebody else may still write in between. This notices a writer
    that is minutes late. Files that several processes may write at the same moment need `Store.create`, which is exact.
    """
    found = store.read_versioned(url)
    if found is None or found.version != version:
        return None
    store.write(url, data)
    return content_version(data)
