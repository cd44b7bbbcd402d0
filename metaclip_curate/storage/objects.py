"""Small files and folders of a run, wherever it lies: marks, options, data cards, uploads."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from metaclip_curate.errors import UserError
from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.open_input import open_input
from metaclip_curate.storage.reader import PIECE, Source
from metaclip_curate.storage.retry import InputError, MissingError, RefusedError, TransientError, wait_seconds
from metaclip_curate.storage.stores import source_of, store_of
from metaclip_curate.storage.versioned_file import VersionedFile


def read_bytes(url: str, options: StorageOptions) -> bytes:
    """A whole file.

    Raises:
        FileNotFoundError: there is none.
        UserError: the name or the credentials are wrong.
        OSError: the store fails.
    """
    try:
        with open_input(url, options) as stream:
            return b"".join(iter(stream.read1, b""))
    except InputError as error:
        if isinstance(error.__cause__, MissingError):
            raise FileNotFoundError(f"{url}: {error.reason}") from error
        if isinstance(error.__cause__, RefusedError):
            raise UserError(f"{url} cannot be read: {error.reason}; check the credentials.") from error
        raise OSError(str(error)) from error


def read_from(url: str, offset: int, options: StorageOptions, *, sleep: Callable[[float], None] = time.sleep) -> bytes:
    """The bytes of a file from an offset to its end.

    Args:
        url: the file.
        offset: bytes before the first one that is wanted.
        options: how to reach it, and how patiently.
        sleep: waits between attempts; tests give their own.

    Raises:
        FileNotFoundError: there is none.
        UserError: the name or the credentials are wrong.
        OSError: the store fails.
    """
    source = source_of(url, options)
    for failures in itertools.count(1):
        try:
            return _read_from(source, offset)
        except TransientError as error:
            if failures >= options.max_attempts:
                raise OSError(f"{url}: {error.reason}") from error
            sleep(wait_seconds(url, failures, error.retry_after))
        except MissingError as error:
            raise FileNotFoundError(f"{url}: {error.reason}") from error
        except RefusedError as error:
            raise UserError(f"{url} cannot be read: {error.reason}; check the credentials.") from error
    raise AssertionError("unreachable")


def _read_from(source: Source, offset: int) -> bytes:
    with closing(source.connect(offset, None)) as connection:
        data = b"".join(iter(lambda: connection.read(PIECE), b""))
        # An answer may start before the offset, where a server doesn't know ranges.
        return data[offset - connection.start :]


def write_bytes(url: str, data: bytes, options: StorageOptions) -> None:
    """Makes or replaces a file with its folders; whoever reads sees the old one or the new one, never a part.

    Raises:
        UserError: it may not be written there.
        OSError: the store fails.
    """
    store_of(url, options).write(url, data)


def upload_file(local_file: str, url: str, options: StorageOptions) -> None:
    """As `write_bytes`, from a local file of any size.

    Raises:
        FileNotFoundError: there is no such local file.
        UserError: it may not be written there.
        OSError: the store fails.
    """
    store_of(url, options).upload(local_file, url)


@contextmanager
def staged_upload(url: Callable[[], str], options: StorageOptions) -> Iterator[str]:
    """A temporary local file to write; it is uploaded when the block ends well, and removed in any case.

    Args:
        url: Tells where to, when all is written.
        options: How to reach it.

    Yields:
        The local file's name.

    Raises:
        UserError: it may not be written there.
        OSError: the store fails.
    """
    handle, name = tempfile.mkstemp()
    os.close(handle)
    try:
        yield name
        upload_file(name, url(), options)
    finally:
        Path(name).unlink(missing_ok=True)


def create_file(url: str, data: bytes, options: StorageOptions) -> str | None:
    """Makes a small file with its folders if there is none of this name; of several who try at once, one succeeds.

    Returns:
        Its version; None where there is one already.

    Raises:
        UserError: it may not be written there.
        OSError: the store fails.
    """
    return store_of(url, options).create(url, data)


def read_versioned(url: str, options: StorageOptions) -> VersionedFile | None:
    """A small file's content and version; None where there is none.

    Raises:
        UserError: the name or the credentials are wrong.
        OSError: the store fails.
    """
    return store_of(url, options).read_versioned(url)


def replace_file(url: str, data: bytes, version: str, options: StorageOptions) -> str | None:
    """Replaces a small file if it still is the version that was read, as `Store.replace` says.

    Returns:
        Its new version; None where it is another one now, or is gone.

    Raises:
        UserError: it may not be written there.
        OSError: the store fails.
    """
    return store_of(url, options).replace(url, data, version)


def file_age(url: str, options: StorageOptions) -> float | None:
    """Seconds since a file was written, by the store's own clock; None where there is none.

    On a disk and on HDFS, a file is made beside it for a moment, to ask for the time there.

    Raises:
        UserError: the name or the credentials are wrong.
        OSError: the store fails.
    """
    return store_of(url, options).age(url)


def delete_file(url: str, options: StorageOptions) -> None:
    """Deletes a file; nothing happens when there is none.

    Raises:
        UserError: it may not be deleted.
        OSError: the store fails.
    """
    store_of(url, options).delete(url)


def exists(url: str, options: StorageOptions) -> bool:
    """True for a file, and for a folder (in an object store: one with something in it).

    Raises:
        UserError: the name or the credentials are wrong.
        OSError: the store fails.
    """
    store = store_of(url, options)
    return store.is_file(url) or store.is_folder(url)


def list_folder(url: str, options: StorageOptions, *, recursive: bool = False) -> list[str]:
    """Names relative to a folder, sorted; none when there is no such folder.

    Args:
        url: the folder.
        options: how to reach it.
        recursive: all files below it; else its own files, and its folders with a slash at the end.

    Raises:
        UserError: the name or the credentials are wrong.
        OSError: the store fails.
    """
    return store_of(url, options).list(url, recursive=recursive)


def file_sizes(url: str, options: StorageOptions) -> dict[str, int]:
    """Size in bytes of each of a folder's own files, by name; none when there is no such folder.

    Raises:
        UserError: the name or the credentials are wrong.
        OSError: the store fails.
    """
    return store_of(url, options).sizes(url)


def delete_folder(url: str, options: StorageOptions) -> None:
    """Deletes a folder with all below it; nothing happens when there is none.

    Raises:
        ValueError: the URL is a whole bucket or file system.
        UserError: it may not be deleted.
        OSError: the store fails.
    """
    if not urlsplit(url).path.strip("/"):
        raise ValueError(f"{url} is a whole store, not a folder")
    store_of(url, options).delete_folder(url)
