"""HDFS as far as it differs from a disk: a file is renamed onto nothing only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pyarrow import fs


def hdfs_in(folder: Path) -> fs.PyFileSystem:
    """A file system that keeps its files in a folder of this machine."""
    return fs.PyFileSystem(_Handler(folder))


class _Handler(fs.FileSystemHandler):  # type: ignore[misc]
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem())

    def move(self, source: str, target: str) -> None:
        try:
            os.link(self._folder / source.lstrip("/"), self._folder / target.lstrip("/"))
        except FileExistsError as error:
            raise OSError(f"HDFS rename of {source} to {target} failed") from error
        self._files.delete_file(source)

    def get_type_name(self) -> str:
        return "hdfs"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> Any:
        return self._files.get_file_info(paths)

    def get_file_info_selector(self, selector: Any) -> Any:
        return self._files.get_file_info(selector)

    def create_dir(self, path: str, recursive: bool) -> None:
        self._files.create_dir(path, recursive=recursive)

    def delete_dir(self, path: str) -> None:
        self._files.delete_dir(path)

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        self._files.delete_dir_contents(path, missing_dir_ok=missing_dir_ok)

    def delete_root_dir_contents(self) -> None:
        raise NotImplementedError

    def delete_file(self, path: str) -> None:
        self._files.delete_file(path)

    def copy_file(self, source: str, target: str) -> None:
        self._files.copy_file(source, target)

    def open_input_stream(self, path: str) -> Any:
        return self._files.open_input_stream(path)

    def open_input_file(self, path: str) -> Any:
        return self._files.open_input_file(path)

    def open_output_stream(self, path: str, metadata: Any) -> Any:
        return self._files.open_output_stream(path)

    def open_append_stream(self, path: str, metadata: Any) -> Any:
        return self._files.open_append_stream(path)
