"""Local files that appear under their name complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from metaclip_curate.errors import UserError

UNFINISHED_SUFFIX = ".metaclip-tmp"


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Makes or replaces a file when the block ends without an exception; readers see the old content or the new.

    The data go to a temporary file beside the target, which is synced and then renamed (POSIX rename).

    Args:
        path: The file. Missing parent folders are created.

    Yields:
        The temporary file, open for writing.

    Raises:
        UserError: The path may not be written.
        OSError: The disk fails.
    """
    with unfinished_file(path) as (file, unfinished):
        yield file
        sync(file)
        unfinished.replace(path)
        sync_folder(path.parent)


@contextmanager
def unfinished_file(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Opens a new temporary file beside a path; it is removed when the block ends, unless the block renamed it.

    Args:
        path: The file that the temporary one is to become. Missing parent folders are created.

    Yields:
        The temporary file, open for writing, and its path.

    Raises:
        UserError: The path may not be written.
        OSError: The disk fails.
    """
    # Unique among the processes and threads that may write the same file at the same time.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(8).hex()}{UNFINISHED_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("xb") as file:
            yield file, unfinished
    except (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        cannot_write(str(path), error)
    except OSError as error:
        # A failed write carries no file name, and whoever reads that a disk is full must know which one.
        error.filename = error.filename or str(path)
        raise
    finally:
        # If the parent isn't a folder, or is closed to us, there is no temporary file either.
        with suppress(NotADirectoryError, PermissionError):
            unfinished.unlink(missing_ok=True)


def sync(file: BinaryIO) -> None:
    """Waits until a file's data are on disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Waits until a folder's entries are on disk: without it a power cut may lose the new name, though not the data."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def cannot_write(path: str, error: OSError) -> NoReturn:
    """Raises a `UserError` for a path that may not be written."""
    reason = error.strerror or str(error)
    raise UserError(f"{path} cannot be written ({reason}); give a folder that you may write to.") from error
