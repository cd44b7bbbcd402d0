"""Small files and folders of a run, in any store."""

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
from metaclip_curate.storage.input_stream import READ_BYTES
from metaclip_curate.storage.open_input import open_input
from metaclip_curate.storage.retry import InputError, MissingError, RefusedError, TransientError, wait_seconds
from metaclip_curate.storage.source import Source
from metaclip_curate.storage.stores import source_of, store_of
from metaclip_curate.storage.versioned_file import VersionedFile


def read_bytes(url: str, options: StorageOptions) -> bytes:
    """Reads a whole file.

    Raises:
        FileNotFoundError: The file doesn't exist.
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
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
    """Reads a file from an offset to its end.

    Args:
        url: Path or URL of the file.
        offset: Offset of the first byte to return.
        options: Credentials, time-outs and number of attempts.
        sleep: Waits a number of seconds between attempts; tests replace it.

    Raises:
        FileNotFoundError: The file doesn't exist.
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
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
        data = b"".join(iter(lambda: connection.read(READ_BYTES), b""))
        # If a server doesn't support ranges, its answer starts before the offset.
        return data[offset - connection.start :]


def write_bytes(url: str, data: bytes, options: StorageOptions) -> None:
    """Makes or replaces a file, and its folders. Readers see the old content or the new one, never a part.

    Raises:
        UserError: The file may not be written.
        OSError: The store fails.
    """
    store_of(url, options).write(url, data)


def upload_file(local_file: str, url: str, options: StorageOptions) -> None:
    """Makes or replaces a file with the content of a local one of any size, as `write_bytes` does.

    Raises:
        FileNotFoundError: The local file doesn't exist.
        UserError: The file may not be written.
        OSError: The store fails.
    """
    store_of(url, options).upload(local_file, url)


@contextmanager
def staged_upload(url: Callable[[], str], options: StorageOptions) -> Iterator[str]:
    """Makes a temporary local file, and uploads it if the block ends without an exception.

    Args:
        url: Returns the destination. It is called after the block, when the content is known.
        options: Credentials and limits for writing there.

    Yields:
        Path of the local file.

    Raises:
        UserError: The file may not be written.
        OSError: The store fails.
    """
    handle, name = tempfile.mkstemp()
    os.close(handle)
    try:
        yield name
        upload_file(name, url(), options)
    finally:
        Path(name).unlink(missing_ok=True)


def create_file(url: str, data: bytes, options: StorageOptions) -> str | None:
    """Makes a small file, and its folders, unless it exists. If several processes try at once, one succeeds.

    Returns:
        The new file's version; None if the file exists.

    Raises:
        UserError: The file may not be written.
        OSError: The store fails.
    """
    return store_of(url, options).create(url, data)


def read_versioned(url: str, options: StorageOptions) -> VersionedFile | None:
    """Returns a small file's content and version; None if it doesn't exist.

    Raises:
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
    """
    return store_of(url, options).read_versioned(url)


def replace_file(url: str, data: bytes, version: str, options: StorageOptions) -> str | None:
    """Replaces a small file if it still has a given version, as `Store.replace` does.

    Returns:
        The new version; None if the file has another version or doesn't exist.

    Raises:
        UserError: The file may not be written.
        OSError: The store fails.
    """
    return store_of(url, options).replace(url, data, version)


def file_age(url: str, options: StorageOptions) -> float | None:
    """Returns the seconds since a file was written, by the store's own clock; None if it doesn't exist.

    On a disk and on HDFS this makes a temporary file beside it, whose date is the time there.

    Raises:
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
    """
    return store_of(url, options).age(url)


def delete_file(url: str, options: StorageOptions) -> None:
    """Deletes a file if it exists.

    Raises:
        UserError: It may not be deleted.
        OSError: The store fails.
    """
    store_of(url, options).delete(url)


def exists(url: str, options: StorageOptions) -> bool:
    """Returns whether a file or a folder exists (in an object store: a folder with something in it).

    Raises:
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
    """
    store = store_of(url, options)
    return store.is_file(url) or store.is_folder(url)


def list_folder(url: str, options: StorageOptions, *, recursive: bool = False) -> list[str]:
    """Returns sorted names relative to a folder; none if it doesn't exist.

    Args:
        url: Path or URL of the folder.
        options: Credentials and limits for reading it.
        recursive: Whether to list all files below it; else its own files, and its folders with a slash at the end.

    Raises:
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
    """
    return store_of(url, options).list(url, recursive=recursive)


def list_parquet(folder: str, options: StorageOptions) -> list[str]:
    """Returns the sorted names of a folder's own Parquet files; none if the folder doesn't exist.

    Raises:
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
    """
    return [name for name in list_folder(folder, options) if name.endswith(".parquet")]


def file_sizes(url: str, options: StorageOptions, *, recursive: bool = False) -> dict[str, int]:
    """Returns the size in bytes of each of a folder's files, by relative name; none if the folder doesn't exist.

    Args:
        url: Path or URL of the folder.
        options: Credentials and limits for reading it.
        recursive: Whether all files below it count; else its own files.

    Raises:
        UserError: The name or the credentials are wrong.
        OSError: The store fails.
    """
    return store_of(url, options).sizes(url, recursive=recursive)


def delete_folder(url: str, options: StorageOptions) -> None:
    """Deletes a folder with everything below it, if it exists.

    Raises:
        ValueError: The URL is a whole bucket or file system.
        UserError: It may not be deleted.
        OSError: The store fails.
    """
    if not urlsplit(url).path.strip("/"):
        raise ValueError(f"{url} is a whole store, not a folder")
    store_of(url, options).delete_folder(url)
