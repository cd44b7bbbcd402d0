"""Digests of source files, cached by the files' versions so that unchanged files aren't read again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import InputError, StorageOptions
from metaclip_curate.storage.retry import RefusedError, TransientError
from metaclip_curate.storage.stores import source_of

_THREADS = 4  # hashing and reading both release the GIL
_PIECE = 1 << 20


class Digests:
    """SHA-256 digests of files. A file isn't read if its version is still the cached one.

    Args:
        options: Credentials and limits for reading the files.
        cached: Version and digest by path, from the attribute of an earlier object.

    Attributes:
        cached: Version and digest by path.
    """

    def __init__(self, options: StorageOptions, cached: dict[str, list[str]] | None = None) -> None:
        self._options = options
        self.cached = dict(cached or {})

    def of(self, paths: Sequence[str]) -> list[str]:
        """Computes the digests of files, 64 hex digits each.

        Raises:
            UserError: A file can't be read.
        """
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(self._digest, paths))

    def _digest(self, path: str) -> str:
        version = self._version(path)
        known = self.cached.get(path)
        if version and known and known[0] == version:
            return known[1]
        digest = hashlib.sha256()
        try:
            with storage.open_input(path, self._options) as stream:
                while piece := stream.read1(_PIECE):
                    digest.update(piece)
        except InputError as error:
            raise UserError(f"{path} can't be read ({error.reason}): make it readable or remove it") from error
        self.cached[path] = [version, digest.hexdigest()]
        return digest.hexdigest()

    def _version(self, path: str) -> str:
        """Returns a string that changes with the file; empty if the store has no version of it."""
        source = source_of(path, self._options)
        try:
            connection = source.connect(0, None)
            version = connection.version
            connection.close()
        except (RefusedError, TransientError):
            return ""  # reading the file raises a more specific error
        finally:
            source.close()
        return f"{version.etag} {version.last_modified} {version.size}" if version.identifies else ""
