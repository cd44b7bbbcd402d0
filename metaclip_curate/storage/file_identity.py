"""Local files that have several names: written in two ways, or by links."""

from __future__ import annotations

import os
from collections.abc import Iterable

from metaclip_curate.options.storage import StorageOptions
from metaclip_curate.storage.urls import is_local, local_path, resolve

Identity = tuple[int, ...] | str


def identity(name: str, options: StorageOptions) -> Identity | None:
    """What is equal for all names of a local file; None where there is no such file on this machine.

    Hard links are names of one file as well. Size and time are compared because some network file systems give two
    files the same number.
    """
    place = resolve(name, options)
    if not is_local(place):
        return None
    path = local_path(place)
    try:
        found = os.stat(path)  # noqa: PTH116 (of links, what they lead to)
    except (OSError, ValueError):
        return None
    if found.st_ino == 0:  # a file system without numbers
        return os.path.realpath(path)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def without_aliases(names: Iterable[str], options: StorageOptions) -> list[str]:
    """The names in their order, of several of one file the smallest by code points in the first one's place."""
    smallest: dict[Identity, str] = {}
    for name in names:
        key = identity(name, options) or name
        smallest[key] = min(smallest.get(key, name), name)
    return list(smallest.values())
