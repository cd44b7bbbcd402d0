"""Local files that have several names: spelled in two ways, or linked."""

from __future__ import annotations

import os
from collections.abc import Iterable

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.urls import is_local, local_path, resolve

Identity = tuple[int, ...] | str


def identity(name: str, options: StorageOptions) -> Identity | None:
    """Returns what all names of a local file, hard links included, have in common; None if there is no such local file.

    Size and time are part of it, because some network file systems give two files the same inode number.
    """
    url = resolve(name, options)
    if not is_local(url):
        return None
    path = local_path(url)
    try:
        found = os.stat(path)  # noqa: PTH116 (follows links)
    except (OSError, ValueError):
        return None
    if found.st_ino == 0:  # a file system without inode numbers
        return os.path.realpath(path)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def file_state(url: str, size: int) -> str:
    """Returns what changes if a file is replaced: its size and, of a local file, the time of its last change.

    Args:
        url: Path or URL of the file.
        size: Its size in bytes, from a listing of its folder.
    """
    if not is_local(url):
        return str(size)
    try:
        return f"{size} {os.stat(local_path(url)).st_mtime_ns}"  # noqa: PTH116 (follows links)
    except FileNotFoundError:  # since the folder was listed; reading it gives the reason
        return f"{size} gone"


def without_aliases(names: Iterable[str], options: StorageOptions) -> list[str]:
    """Returns names in order, each file once: at its first name's position, under its first name by code points."""
    smallest: dict[Identity, str] = {}
    for name in names:
        key = identity(name, options) or name
        smallest[key] = min(smallest.get(key, name), name)
    return list(smallest.values())
