"""Files and folders of this machine."""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NoReturn

from metaclip_curate.errors import UserError
from metaclip_curate.storage.reader import Version
from metaclip_curate.storage.retry import MissingError, RefusedError, TransientError
from metaclip_curate.storage.urls import local_path
from metaclip_curate.storage.versioned_file import VersionedFile, content_version, replace_if_unchanged

_FINAL = (PermissionError, IsADirectoryError, NotADirectoryError)
_TEMPORARY = ".metaclip-tmp"  # ends the name of a file that is still being written
# What file systems without hard links say: FAT, and most that show an object store as a disk.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class LocalSource:
    """One file. Network file systems fail for moments, hence the same care as for the others."""

    def __init__(self, path: str) -> None:
        self._path = path

    def connect(self, offset: int, version: Version | None) -> LocalConnection:
        """As `Source.connect` says."""
        try:
            kind = special_kind(self._path)
            if kind:
                raise RefusedError(f"it is {kind}, which can't be read again from a place within: give a file")
            file = io.FileIO(self._path)
            if offset > 0:
                file.seek(offset)
            return LocalConnection(file, offset)
        except FileNotFoundError as error:
            raise MissingError(_plain(error)) from error
        except _FINAL as error:
            raise RefusedError(_plain(error)) from error
        except OSError as error:
            raise TransientError(_plain(error)) from error
        except ValueError as error:  # a NUL in its name
            raise RefusedError(str(error)) from error

    def close(self) -> None:
        """Ends it."""


class LocalConnection:
    """An open file."""

    def __init__(self, file: io.FileIO, start: int) -> None:
        self._file = file
        self.start = start
        state = os.fstat(file.fileno())
        # No size: a file that ends is at its end, and one that grows is read as far as it goes.
        self.version = Version(None, f"{state.st_dev}-{state.st_ino}-{state.st_mtime_ns}")

    def read(self, size: int) -> bytes:
        """As `Connection.read` says."""
        try:
            return self._file.read(size)
        except IsADirectoryError as error:
            raise RefusedError(_plain(error)) from error
        except OSError as error:
            raise TransientError(_plain(error)) from error

    def close(self) -> None:
        """Ends it."""
        self._file.close()


def special_kind(path: str) -> str:
    """What a name stands for that is neither a file nor a folder, "a pipe"; empty for these and for nothing.

    Opening such a thing may wait for ever. Links are followed. Of what can't be looked at opening will say why.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (a path of bytes that are no UTF-8 is one as well)
    except (OSError, ValueError):
        return ""
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "")


class LocalStore:
    """As `Store` says. Writing goes to a temporary file beside the target, is synced, then renamed (POSIX rename)."""

    def is_file(self, url: str) -> bool:
        """True for anything but a folder."""
        path = Path(local_path(url))
        return path.exists() and not path.is_dir()

    def is_folder(self, url: str) -> bool:
        """True for a folder, be it empty."""
        return Path(local_path(url)).is_dir()

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Names below a folder, as `Store.list` says."""
        folder = local_path(url)
        names: list[str] = []
        for parent, folders, files in os.walk(folder):
            below = os.path.relpath(parent, folder)
            if not recursive:
                names.extend(name + "/" for name in folders)
                folders.clear()
            for name in files:
                if not name.endswith(_TEMPORARY):
                    names.append(name if below == "." else f"{below}/{name}")
        return sorted(names)

    def sizes(self, url: str) -> dict[str, int]:
        """Sizes of a folder's files, as `Store.sizes` says."""
        try:
            with os.scandir(local_path(url)) as entries:
                return {
                    entry.name: entry.stat().st_size
                    for entry in entries
                    if entry.is_file() and not entry.name.endswith(_TEMPORARY)
                }
        except FileNotFoundError:
            return {}

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file."""
        with _replacement(Path(local_path(url))) as file:
            file.write(data)

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file from another one."""
        with Path(local_file).open("rb") as source, _replacement(Path(local_path(url))) as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file if there is none, by a hard link to a complete one: exact over NFS too."""
        path = Path(local_path(url))
        with _temporary(path) as (file, temporary):
            file.write(data)
            _sync(file)
            try:
                os.link(temporary, path)
            except FileExistsError:
                return None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if not _create_in_place(path, data):
                    return None
        _sync_folder(path.parent)
        return content_version(data)

    def read_versioned(self, url: str) -> VersionedFile | None:
        """A small file, as `Store.read_versioned` says."""
        try:
            data = Path(local_path(url)).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except _FINAL as error:
            raise UserError(f"{url} cannot be read ({_plain(error)}); give one that you may read.") from error
        return VersionedFile(data, content_version(data))

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file that hasn't changed."""
        return replace_if_unchanged(self, url, data, version)

    def age(self, url: str) -> float | None:
        """Seconds by the disk's clock, which is a server's where the disk is: a new file there tells the time."""
        path = Path(local_path(url))
        with _temporary(path) as (file, _):
            try:
                return os.fstat(file.fileno()).st_mtime - path.stat().st_mtime
            except FileNotFoundError:
                return None

    def delete(self, url: str) -> None:
        """Deletes a file."""
        try:
            Path(local_path(url)).unlink(missing_ok=True)
        except NotADirectoryError:
            pass  # there is none
        except (PermissionError, IsADirectoryError) as error:
            _cannot_write(url, error)

    def delete_folder(self, url: str) -> None:
        """Deletes a folder with all below it."""
        try:
            shutil.rmtree(local_path(url))
        except FileNotFoundError:
            pass  # there is none
        except (PermissionError, NotADirectoryError) as error:
            _cannot_write(url, error)


@contextmanager
def _replacement(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name only when it is complete and on disk."""
    with _temporary(path) as (file, temporary):
        yield file
        _sync(file)
        temporary.replace(path)
        _sync_folder(path.parent)


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside another name, which is gone afterwards unless it was renamed; with the folders above it."""
    # Unique among the processes and threads that may write the same file at the same time.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(8).hex()}{_TEMPORARY}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file, temporary
    except (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        _cannot_write(str(path), error)
    except OSError as error:
        # A write knows no name; whoever reads that a disk is full must know which.
        error.filename = error.filename or str(path)
        raise
    finally:
        # Where the parent is no folder or a closed one, there is no temporary file either.
        with suppress(NotADirectoryError, PermissionError):
            temporary.unlink(missing_ok=True)


def _create_in_place(path: Path, data: bytes) -> bool:
    """Makes a file without a link; for a moment it is there and empty, but it is no less one writer's alone."""
    try:
        with path.open("xb") as file:
            file.write(data)
            _sync(file)
    except FileExistsError:
        return False
    return True


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes the new name outlast a power cut, not only the file's bytes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(error: OSError) -> str:
    return error.strerror or str(error)


def _cannot_write(path: str, error: OSError) -> NoReturn:
    raise UserError(f"{path} cannot be written ({_plain(error)}); give a folder that you may write to.") from error
