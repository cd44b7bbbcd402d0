"""Files and folders of this machine."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from pathlib import Path

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import (
    UNFINISHED_SUFFIX,
    atomic_write,
    cannot_write,
    sync,
    sync_folder,
    unfinished_file,
)
from metaclip_curate.storage.retry import MissingError, RefusedError, TransientError
from metaclip_curate.storage.source import Version
from metaclip_curate.storage.urls import local_path
from metaclip_curate.storage.versioned_file import VersionedFile, content_version, replace_if_unchanged

_FINAL = (PermissionError, IsADirectoryError, NotADirectoryError)
# A name that is too long, or leads around in links: no retry mends it.
_WRONG_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)
# What file systems without hard links answer: FAT, and most that present an object store as a disk.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalSource:
    """One local file. A network file system may fail for moments, so its errors are retried like a server's."""

    def __init__(self, path: str) -> None:
        self._path = path

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> LocalConnection:
        """Opens the file, as `Source.connect` does."""
        try:
            kind = special_kind(self._path)
            if kind:
                raise RefusedError(f"it is {kind}, which can't be read again from a position within: give a file")
            file = io.FileIO(self._path)
            if offset > 0:
                file.seek(offset)
            return LocalConnection(file, offset, sized=end is not None)
        except (FileNotFoundError, NotADirectoryError) as error:  # the second if a file has the name of a folder above
            raise MissingError(_reason(error)) from error
        except _FINAL as error:
            raise RefusedError(_reason(error)) from error
        except OSError as error:
            wrong = RefusedError if error.errno in _WRONG_NAMES else TransientError
            raise wrong(_reason(error)) from error
        except ValueError as error:  # a NUL in its name
            raise RefusedError(str(error)) from error

    def close(self) -> None:
        """Does nothing: no connection is kept."""


class LocalConnection:
    """An open file.

    Args:
        file: The file, at the position `start`.
        start: Offset of the first byte that is read.
        sized: Whether the file's size is known to the reader, as to one of ranges, which don't grow.
    """

    def __init__(self, file: io.FileIO, start: int, sized: bool) -> None:
        self._file = file
        self.start = start
        state = os.fstat(file.fileno())
        # Without a size, a file that is still growing is read up to the end that it has by then.
        size = state.st_size if sized else None
        self.version = Version(size, f"{state.st_dev}-{state.st_ino}-{state.st_mtime_ns}")

    def read(self, size: int) -> bytes:
        """Reads as `Connection.read` does."""
        try:
            return self._file.read(size)
        except IsADirectoryError as error:
            raise RefusedError(_reason(error)) from error
        except OSError as error:
            raise TransientError(_reason(error)) from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def special_kind(path: str) -> str:
    """Returns what a path is if it is neither a file nor a folder, such as "a pipe"; else, and if nothing is there, "".

    Opening such a thing may block forever. Links are followed. If the path can't be examined, opening it gives the
    reason.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (a path whose bytes aren't UTF-8 is valid too)
    except (OSError, ValueError):
        return ""
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "")


class LocalStore:
    """The `Store` of local files."""

    def is_file(self, url: str) -> bool:
        """Returns whether anything but a folder has this path."""
        path = Path(local_path(url))
        return path.exists() and not path.is_dir()

    def is_folder(self, url: str) -> bool:
        """Returns whether a folder, which may be empty, has this path."""
        return Path(local_path(url)).is_dir()

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Lists the names below a folder."""
        folder = local_path(url)
        names: list[str] = []
        for parent, folders, files in os.walk(folder, onerror=_refuse_unreadable):
            below = os.path.relpath(parent, folder)
            if not recursive:
                names.extend(name + "/" for name in folders)
                folders.clear()
            for name in files:
                if not name.endswith(UNFINISHED_SUFFIX):
                    names.append(name if below == "." else f"{below}/{name}")
        return sorted(names)

    def sizes(self, url: str, *, recursive: bool = False) -> dict[str, int]:
        """Returns the sizes of a folder's files, also of those behind links."""
        sizes: dict[str, int] = {}
        folders = [("", local_path(url))]
        while folders:
            below, path = folders.pop()
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        if entry.is_file() and not entry.name.endswith(UNFINISHED_SUFFIX):
                            sizes[below + entry.name] = entry.stat().st_size
                        elif recursive and entry.is_dir() and not _leads_upwards(entry):
                            folders.append((f"{below}{entry.name}/", entry.path))
            except FileNotFoundError:
                continue
            except PermissionError as error:
                _refuse_unreadable(error)
        return sizes

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file."""
        with atomic_write(Path(local_path(url))) as file:
            file.write(data)

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file with another one's content."""
        with Path(local_file).open("rb") as source, atomic_write(Path(local_path(url))) as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file unless it exists, by a hard link to a complete one, which is exact over NFS too."""
        path = Path(local_path(url))
        with unfinished_file(path) as (file, unfinished):
            file.write(data)
            sync(file)
            try:
                os.link(unfinished, path)
            except FileExistsError:
                return None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if not _create_in_place(path, data):
                    return None
        sync_folder(path.parent)
        return content_version(data)

    def read_versioned(self, url: str) -> VersionedFile | None:
        """Reads a small file and its version."""
        try:
            data = Path(local_path(url)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except _FINAL as error:
            raise UserError(f"{url} cannot be read ({_reason(error)}); give one that you may read.") from error
        return VersionedFile(data, content_version(data))

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file that hasn't changed."""
        return replace_if_unchanged(self, url, data, version)

    def age(self, url: str) -> float | None:
        """Returns a file's age by the clock of the disk, a server's on a network disk, which dates a new file there."""
        path = Path(local_path(url))
        with unfinished_file(path) as (file, _):
            try:
                return os.fstat(file.fileno()).st_mtime - path.stat().st_mtime
            except FileNotFoundError:
                return None

    def delete(self, url: str) -> None:
        """Deletes a file if it exists."""
        try:
            Path(local_path(url)).unlink(missing_ok=True)
        except NotADirectoryError:
            pass  # a parent is a file, so the path doesn't exist
        except (PermissionError, IsADirectoryError) as error:
            cannot_write(url, error)

    def delete_folder(self, url: str) -> None:
        """Deletes a folder with everything below it."""
        try:
            shutil.rmtree(local_path(url))
        except FileNotFoundError:
            pass
        except (PermissionError, NotADirectoryError) as error:
            cannot_write(url, error)


def _leads_upwards(entry: os.DirEntry[str]) -> bool:
    """Returns whether this is a link to a folder above itself, which would be followed for ever."""
    return entry.is_symlink() and Path(entry.path).parent.resolve().is_relative_to(Path(entry.path).resolve())


def _refuse_unreadable(error: OSError) -> None:
    """Refuses a folder that can't be listed, whose files would be missing without a word."""
    if isinstance(error, PermissionError):
        raise UserError(f"{error.filename} cannot be read ({_reason(error)}); give one that you may read.") from error


def _create_in_place(path: Path, data: bytes) -> bool:
    """Makes a file without a link; returns whether it was new.

    For a moment the file exists and is empty, but still only one of several writers makes it.
    """
    try:
        with path.open("xb") as file:
            file.write(data)
            sync(file)
    except FileExistsError:
        return False
    return True


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
