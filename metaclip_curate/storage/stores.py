"""The store of a path or URL, by its scheme."""

from __future__ import annotations

from typing import Protocol

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.http_source import HttpSource
from metaclip_curate.storage.local import LocalSource, LocalStore
from metaclip_curate.storage.redaction import scrub
from metaclip_curate.storage.source import Source
from metaclip_curate.storage.urls import bucket_and_key, local_path, scheme_of
from metaclip_curate.storage.versioned_file import VersionedFile

_READABLE = ("", "http", "https", "s3", "gs", "hdfs")


class Store(Protocol):
    """Whole files and folders of a store that can be written.

    A missing folder counts as empty, since object stores have no folders. All methods raise `UserError` if a name,
    credentials or permissions are wrong, and `OSError` if the store fails.
    """

    def is_file(self, url: str) -> bool:
        """Returns whether a file has this URL."""

    def is_folder(self, url: str) -> bool:
        """Returns whether a folder has this URL; in an object store, whether any object lies below it."""

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Returns sorted names relative to a folder.

        Args:
            url: The folder.
            recursive: Whether to list all files below it; else its own files, and its folders with a slash at the end.
        """

    def sizes(self, url: str, *, recursive: bool = False) -> dict[str, int]:
        """Returns the size in bytes of each of a folder's files, by name relative to the folder.

        Args:
            url: The folder.
            recursive: Whether all files below it count; else its own files.
        """

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file. Readers see the old content or the new one, never a part."""

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file with the content of a local one. Readers never see a part."""

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file unless it exists. If several processes try at once, exactly one succeeds.

        Returns:
            The new file's version; None if the file exists.
        """

    def read_versioned(self, url: str) -> VersionedFile | None:
        """Returns a small file's content and version; None if it doesn't exist."""

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file if it still has a given version.

        Object stores compare and write in one step. A disk and HDFS can't: there the content is compared right before
        the write.

        Returns:
            The new version; None if the file has another version or doesn't exist.
        """

    def age(self, url: str) -> float | None:
        """Returns the seconds since a file was written, by the store's own clock; None if it doesn't exist."""

    def delete(self, url: str) -> None:
        """Deletes a file if it exists."""

    def delete_folder(self, url: str) -> None:
        """Deletes everything below a folder, if it exists."""


def source_of(url: str, options: StorageOptions) -> Source:
    """Returns the source of an input's bytes.

    Raises:
        UserError: Inputs of this scheme can't be read.
    """
    scheme = scheme_of(url)
    if scheme == "":
        return LocalSource(local_path(url))
    if scheme in ("http", "https"):
        return HttpSource(url, options.read_timeout)
    if scheme == "s3":
        # Imported here, since importing boto3 takes 0.2 s that a local run needn't spend.
        from metaclip_curate.storage.s3_source import S3Source

        return S3Source(url, options)
    if scheme == "gs":
        from metaclip_curate.storage import gs

        return gs.source(url, options)
    if scheme == "hdfs":
        from metaclip_curate.storage import hdfs

        return hdfs.ArrowSource(hdfs.file_system(url), url)
    require_readable(url)
    raise AssertionError(f"no source for the readable scheme {scheme}")


def require_readable(url: str) -> None:
    """Refuses a scheme that inputs can't have, and a bucket without a name, without connecting to the store.

    Raises:
        UserError: Inputs of this scheme can't be read.
    """
    scheme = scheme_of(url)
    if scheme in ("s3", "gs"):
        bucket_and_key(url)
    if scheme not in _READABLE:
        raise UserError(
            f"{scrub(url)} has the scheme {scheme}, which cannot be read; use a local path, https://, s3://, gs:// or hdfs://."
        )


def store_of(url: str, options: StorageOptions) -> Store:
    """Returns the store of a run folder's file or folder.

    Raises:
        UserError: Files of this scheme can't be written.
    """
    scheme = scheme_of(url)
    if scheme == "":
        return LocalStore()
    if scheme == "s3":
        from metaclip_curate.storage.s3_store import S3Store

        return S3Store(options)
    if scheme == "gs":
        from metaclip_curate.storage.gs import GsStore

        return GsStore()
    if scheme == "hdfs":
        from metaclip_curate.storage import hdfs

        return hdfs.ArrowStore(hdfs.file_system(url))
    raise UserError(
        f"{scrub(url)} has the scheme {scheme}, in which no files can be listed or written; "
        "use a local path, s3://, gs:// or hdfs://."
    )
