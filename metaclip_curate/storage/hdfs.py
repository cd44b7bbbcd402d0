"""Inputs, files and folders at hdfs://, by pyarrow over Hadoop's libhdfs."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyarrow import fs

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import UNFINISHED_SUFFIX
from metaclip_curate.storage.retry import MissingError, TransientError
from metaclip_curate.storage.source import Version
from metaclip_curate.storage.versioned_file import VersionedFile, content_version, replace_if_unchanged


def file_system(url: str) -> Any:
    """Returns the `pyarrow.fs.FileSystem` of an hdfs:// URL.

    Raises:
        UserError: Hadoop's client library is missing, or the name node doesn't answer.
    """
    try:
        files, _ = fs.FileSystem.from_uri(url)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{url} cannot be reached ({error}); hdfs:// needs Hadoop's client: "
            "set HADOOP_HOME, JAVA_HOME and CLASSPATH."
        ) from error
    return files


class ArrowSource:
    """One file in a file system of pyarrow's."""

    def __init__(self, files: Any, url: str) -> None:
        self._files = files
        self._path = _path(url)

    def connect(self, offset: int, version: Version | None, end: int | None = None) -> ArrowConnection:
        """Opens the file, as `Source.connect` does."""
        try:
            info = self._files.get_file_info(self._path)
            file = self._files.open_input_file(self._path)
            if offset > 0:
                file.seek(offset)
            return ArrowConnection(file, offset, Version(None, "", str(info.mtime_ns)))
        except FileNotFoundError as error:
            raise MissingError(str(error)) from error
        except OSError as error:
            raise TransientError(str(error)) from error

    def close(self) -> None:
        """Does nothing: no connection is kept."""


class ArrowConnection:
    """An open file."""

    def __init__(self, file: Any, start: int, version: Version) -> None:
        self._file = file
        self.start = start
        self.version = version

    def read(self, size: int) -> bytes:
        """Reads as `Connection.read` does."""
        try:
            data: bytes = self._file.read(size)
            return data
        except OSError as error:
            raise TransientError(str(error)) from error

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class ArrowStore:
    """The `Store` of a file system of pyarrow's. URLs are hdfs://host:port/path or plain paths."""

    def __init__(self, files: Any) -> None:
        """Takes a `pyarrow.fs.FileSystem`."""
        self._files = files

    def is_file(self, url: str) -> bool:
        """Returns whether a file has this URL."""
        return bool(self._files.get_file_info(_path(url)).type == fs.FileType.File)

    def is_folder(self, url: str) -> bool:
        """Returns whether a folder has this URL."""
        return bool(self._files.get_file_info(_path(url)).type == fs.FileType.Directory)

    def list(self, url: str, *, recursive: bool) -> list[str]:
        """Lists the names below a folder."""
        names = []
        for name, item in self._items(url, recursive=recursive):
            if item.type != fs.FileType.Directory:
                names.append(name)
            elif not recursive:
                names.append(name + "/")
        return sorted(names)

    def sizes(self, url: str, *, recursive: bool = False) -> dict[str, int]:
        """Returns the sizes of a folder's files."""
        items = self._items(url, recursive=recursive)
        return {name: int(item.size) for name, item in items if item.type != fs.FileType.Directory}

    def _items(self, url: str, *, recursive: bool) -> Iterator[tuple[str, Any]]:
        """Yields the names below a folder and what pyarrow returns for each, without unfinished files."""
        folder = _path(url).rstrip("/")
        selector = fs.FileSelector(folder, allow_not_found=True, recursive=recursive)
        for item in self._files.get_file_info(selector):
            # Some file systems return full URLs, some paths without the first slash.
            name = _path(item.path).lstrip("/").removeprefix(folder.lstrip("/") + "/")
            if not name.endswith(UNFINISHED_SUFFIX):
                yield name, item

    def write(self, url: str, data: bytes) -> None:
        """Makes or replaces a file."""
        with self._replacing(_path(url)) as stream:
            stream.write(data)

    def upload(self, local_file: str, url: str) -> None:
        """Makes or replaces a file with a local one's content."""
        with self._replacing(_path(url)) as stream, Path(local_file).open("rb") as source:
            shutil.copyfileobj(source, stream, 1 << 20)

    def create(self, url: str, data: bytes) -> str | None:
        """Makes a small file unless it exists: if several rename a file to the same name, HDFS lets one of them."""
        path = _path(url)
        if self.is_file(url):
            return None
        temporary = self._temporary(path)
        with self._files.open_output_stream(temporary) as stream:
            stream.write(data)
        try:
            self._files.move(temporary, path)
        except OSError:
            self._files.delete_file(temporary)
            if self.is_file(url):
                return None
            raise
        return content_version(data)

    def read_versioned(self, url: str) -> VersionedFile | None:
        """Reads a small file and its version."""
        try:
            with self._files.open_input_stream(_path(url)) as stream:
                data: bytes = stream.read()
        except FileNotFoundError:
            return None
        return VersionedFile(data, content_version(data))

    def replace(self, url: str, data: bytes, version: str) -> str | None:
        """Replaces a small file that hasn't changed."""
        return replace_if_unchanged(self, url, data, version)

    def age(self, url: str) -> float | None:
        """Returns a file's age by the name node's clock, which dates a new file."""
        temporary = self._temporary(_path(url))
        with self._files.open_output_stream(temporary) as stream:
            stream.write(b"\n")
        now, then = self._files.get_file_info([temporary, _path(url)])
        self._files.delete_file(temporary)
        return None if then.mtime_ns is None else float(now.mtime_ns - then.mtime_ns) / 1e9

    def delete(self, url: str) -> None:
        """Deletes a file if it exists."""
        try:
            self._files.delete_file(_path(url))
        except OSError:
            if self.is_file(url):
                raise

    def delete_folder(self, url: str) -> None:
        """Deletes everything below a folder."""
        if self.is_folder(url):
            self._files.delete_dir(_path(url))

    @contextmanager
    def _replacing(self, path: str) -> Iterator[Any]:
        """Makes or replaces a file. HDFS doesn't rename onto an existing file, so for a moment there is none."""
        temporary = self._temporary(path)
        with self._files.open_output_stream(temporary) as stream:
            yield stream
        if self.is_file(path):
            self._files.delete_file(path)
        self._files.move(temporary, path)

    def _temporary(self, path: str) -> str:
        """Returns the path of a temporary file beside another one, and makes the folders above it."""
        folder, name = posixpath.split(path)
        self._files.create_dir(folder, recursive=True)
        return posixpath.join(folder, f".{name}.{os.getpid()}-{os.urandom(8).hex()}{UNFINISHED_SUFFIX}")


def _path(url: str) -> str:
    _, separator, rest = url.partition("://")
    return "/" + rest.partition("/")[2] if separator else url
