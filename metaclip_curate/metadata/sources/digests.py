"""Digests of source files, remembered so that 20 GB aren't read again to learn that nothing changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.retry import RefusedError, TransientError
from metaclip_curate.storage.stores import source_of

_THREADS = 4  # hashing and reading both leave Python's lock
_PIECE = 1 << 20


class Digests:
    """SHA-256 of files; one whose version is still the remembered one isn't read.

    Args:
        options: How to reach the files.
        remembered: Path to version and digest, from `remembered` of a former one.
    """

    def __init__(self, options: StorageOptions, remembered: dict[str, list[str]] | None = None) -> None:
        self._options = options
        self.remembered = dict(remembered or {})

    def of(self, paths: Sequence[str]) -> list[str]:
        """The digests, 64 hex digits each.

        Raises:
            UserError: A file can't be read.
        """
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(self._digest, paths))

    def _digest(self, path: str) -> str:
        version = self._version(path)
        known = self.remembered.get(path)
        if version and known and known[0] == version:
            return known[1]
        digest = hashlib.sha256()
        try:
            with storage.open_input(path, self._options) as stream:
                while piece := stream.read1(_PIECE):
                    digest.update(piece)
        except InputError as error:
            raise UserError(f"{path} can't be read ({error.reason}): make it readable or remove it") from error
        self.remembered[path] = [version, digest.hexdigest()]
        return digest.hexdigest()

    def _version(self, path: str) -> str:
        """What tells this state of a file from others; empty when nothing does."""
        source = source_of(path, self._options)
        try:
            connection = source.connect(0, None)
            version = connection.version
            connection.close()
        except (RefusedError, TransientError):
            return ""  # reading it says more
        finally:
            source.close()
        return f"{version.etag} {version.last_modified} {version.size}" if version.identifies else ""
