"""Reading a file from an offset, with the same retries after broken connections as for whole files."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from metaclip_curate.storage import InputError, InputStream, StorageOptions, is_local
from metaclip_curate.storage.offset_source import OffsetSource
from metaclip_curate.storage.retry import MissingError
from metaclip_curate.storage.stores import source_of
from metaclip_curate.storage.urls import local_path, resolve


def open_at(
    path: str, start: int, options: StorageOptions, *, sleep: Callable[[float], None] = time.sleep
) -> InputStream:
    """Opens a file at an offset.

    Args:
        path: Path or URL, as for `storage.open_input`.
        start: Offset of the first byte, at most the size of the file.
        options: Credentials and limits for reading the file.
        sleep: Function that waits between attempts.

    Returns:
        A stream to the end of the file, which continues after a broken connection.

    Raises:
        InputError: The file can't be opened.
        UserError: The scheme is unknown.
    """
    return InputStream(path, OffsetSource(source_of(resolve(path, options), options), start), options, sleep)


def size_of(path: str, options: StorageOptions) -> int | None:
    """Returns the size of a file in bytes; None if the store doesn't report it.

    Raises:
        InputError: The file can't be opened.
        UserError: The scheme is unknown.
    """
    url = resolve(path, options)
    if is_local(url):
        try:
            return Path(local_path(url)).stat().st_size
        except FileNotFoundError as error:
            raise InputError(path, "no such file") from MissingError(str(error))
        except OSError as error:
            raise InputError(path, error.strerror or str(error)) from error
    source = OffsetSource(source_of(url, options), 0)
    InputStream(path, source, options, time.sleep).close()
    return source.version.size
