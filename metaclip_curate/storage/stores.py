"""Which store a name belongs to."""

from __future__ import annotations

from typing import Protocol

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.http import HttpSource
from metaclip_curate.storage.local import LocalSource, LocalStore
from metaclip_curate.storage.reader import Source
from metaclip_curate.storage.secrets import scrub
from metaclip_curate.storage.urls import bucket_and_key, local_path, scheme_of
from metaclip_curate.storage.versioned_file import VersionedFile

_READABLE = ("", "http", "https", "s3", "gs", "hdfs")


class Store(Protocol):
    """Whole files and folders of a place that can be written.

    A missing folder is an empty one, since object stores know no folders. Names, credentials and rights that are wrong
    raise `UserError`; a place that fails raises `OSError`.
    """

    def is_file(self, url: str) -> bool:
        """True when there is such an object."""

    def is_folder(self, url: str) -> bool:
        """True when something lies below it."""

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Sorted names below a folder: all files, or its own files and, with a slash at the end, its folders."""

    def sizes(self, url: str) -> dict[str, int]:
        """Size in bytes of each of a folder's own files, by name."""

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file; whoever reads sees the old one or the new one, never a part."""

    def upload(self, local_file: str, url: str) -> None:
        """As `write`, from a local file."""

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file if there is none of this name; of several who try at once, one succeeds.

        Returns:
            Its version; None where there is one already.
        """

    def read_versioned(self, url: str) -> VersionedFile | None:
        """A small file's content and version; None where there is none."""

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file if it still is the version that was read.

        Exact in object stores. A disk and HDFS can't compare and write in one step: there the content is compared
        right before.

        Returns:
            Its new version; None where it is another one now, or is gone.
        """

    def age(self, url: str) -> float | None:
        """Seconds since a file was written, both times by the store's own clock; None where there is none."""

    def delete(self, url: str) -> None:
        """Deletes a file; nothing happens when there is none."""

    def delete_folder(self, url: str) -> None:
        """Deletes all below a folder; nothing happens when there is none."""


def source_of(url: str, options: StorageOptions) -> Source:
    """The source of an input's bytes.

    Raises:
        UserError: inputs of this scheme cannot be read.
    """
    scheme = scheme_of(url)
    if scheme == "":
        return LocalSource(local_path(url))
    if scheme in ("http", "https"):
        return HttpSource(url, options.read_timeout)
    if scheme == "s3":
        # Imported where needed: boto3 takes 0.2 s, which a local run need not spend.
        from metaclip_curate.storage.s3 import S3Source

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
    """Refuses a scheme that no input can be read from, or a bucket without a name, without a look at the store.

    Raises:
        UserError: inputs of this scheme cannot be read.
    """
    scheme = scheme_of(url)
    if scheme in ("s3", "gs"):
        bucket_and_key(url)
    if scheme not in _READABLE:
        raise UserError(
            f"{scrub(url)} has the scheme {scheme}, which cannot be read; use a local path, https://, s3://, gs:// or hdfs://."
        )


def store_of(url: str, options: StorageOptions) -> Store:
    """The store that a run folder's file or folder lies in.

    Raises:
        UserError: the scheme cannot be written to.
    """
    scheme = scheme_of(url)
    if scheme == "":
        return LocalStore()
    if scheme == "s3":
        from metaclip_curate.storage.s3 import S3Store

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
