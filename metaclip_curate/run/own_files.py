"""What in the folders of tables is the run's. Nothing else is replaced or removed.

run.json names the parts that are finished, and those that are being written or removed. What it doesn't name stops the
command: it may be the user's, even under a name that a part could have.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import local_path

# Names of the files of a part; None for any name that a run gives.
FileNames = Collection[str] | None

# Names that stages, and Spark's own writer in earlier versions, give files of tables and lists of them.
_FILE = re.compile(r"(part-\d{5}(-[0-9a-f-]{36}-c\d{3})?(\.\w+)?|[0-9a-f]{32})\.parquet")
# What Spark, Hadoop, macOS and NFS leave beside files, and readers of a folder of Parquet files skip.
_BESIDE = re.compile(r"_SUCCESS|_temporary|\..+\.crc|\.DS_Store|\._.+|\.nfs[0-9a-f]+")


def require_named(
    folder: str, kept: Collection[str], removed: Mapping[str, FileNames], options: StorageOptions
) -> None:
    """Checks that a table's folder has only what run.json names.

    Args:
        folder: Path or URL of the folder, which need not exist.
        kept: Names of the parts that stay, in which nothing is checked.
        removed: Names of the files that are about to be removed, by the name of their part; an empty name for a table
            without parts.
        options: Credentials and limits for the folder.

    Raises:
        UserError: It has something else.
    """
    for name in storage.list_folder(folder, options):
        part = name.rstrip("/")
        of_table = "" in removed and _is_named(name, removed[""])
        known = of_table if part == name else part in kept or part in removed
        if not known and not _BESIDE.fullmatch(part):
            raise _unknown(storage.join(folder, part))
    for part, path in _files_below(folder, not kept, removed, options):
        names = path.split("/")
        if not any(map(_BESIDE.fullmatch, [part, *names])) and (len(names) > 1 or not _is_named(path, removed[part])):
            raise _unknown(storage.join(folder, part, path))


def require_unused(folder: str, options: StorageOptions) -> None:
    """Checks that nothing lies where a part, or temporary files, are about to be written.

    Args:
        folder: Path or URL of their folder.
        options: Credentials and limits for the folder.

    Raises:
        UserError: Something does.
    """
    require_no_file(folder)
    if storage.list_folder(folder, options):
        raise _unknown(folder)


def require_no_such_file(url: str, options: StorageOptions) -> None:
    """Checks that nothing lies where a file is about to be written.

    Args:
        url: Path or URL of the file.
        options: Credentials and limits for its folder.

    Raises:
        UserError: Something does.
    """
    if storage.exists(url, options):
        raise _unknown(url)


def require_no_file(folder: str) -> None:
    """Checks that a local folder of the run, which need not exist, isn't a file.

    Raises:
        UserError: It is.
    """
    path = Path(local_path(folder)) if storage.is_local(folder) else None
    if path and path.exists() and not path.is_dir():
        raise UserError(f"{folder} is a file, where the run has a folder: move it elsewhere, or delete it")


def _files_below(
    folder: str, whole: bool, removed: Mapping[str, FileNames], options: StorageOptions
) -> Iterator[tuple[str, str]]:
    """Yields part and path of the files below the parts that are removed, by one listing if these are all parts."""
    if whole:
        for path in storage.list_folder(folder, options, recursive=True):
            part, separator, below = path.partition("/")
            if separator:
                yield part, below
        return
    for part in removed:
        for path in storage.list_folder(storage.join(folder, part), options, recursive=True):
            yield part, path


def _is_named(name: str, names: FileNames) -> bool:
    return bool(_FILE.fullmatch(name)) if names is None else name in names


def _unknown(url: str) -> UserError:
    return UserError(
        f"{url} isn't named by run.json as a file or folder of this run, which replaces and removes what is in its "
        "folders: move it elsewhere, or delete it if it isn't needed"
    )
