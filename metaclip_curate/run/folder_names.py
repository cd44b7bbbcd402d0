"""Which files and folders of a run folder are a run's own, and may be replaced and removed.

A run folder may hold files of the user's. A run begins only where nothing has the name of one of its own files and
folders; run.json names them from then on. Of what is in its tables' folders it removes only what has a name that a run
gives its files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import local_path, location, resolve

DATACARD, REPORT, FIGURES = "datacard.json", "report.html", "figures"
# Lists of the files of parts.
LISTS = "_files"
# What is needed only until a stage, or the report, is finished.
WORK, REPORT_WORK = "_work", "_report"
TABLES = ("pairs", "inputs", "matched", "counts", "thresholds", "manifest")
NAMES = frozenset({*TABLES, DATACARD, REPORT, FIGURES, LISTS, WORK, REPORT_WORK})

# The names of parts and of files that stages give, those of Spark's own writer, and how names begin that readers of
# Parquet folders pass over.
_PART = re.compile(r"\d{5}(-\d{5})?|survivors|" + "|".join(TABLES))
_FILE = re.compile(r"(part-\d{5}(-[0-9a-f-]{36}-c\d{3})?(\.\w+)?|[0-9a-f]{32})\.parquet")
_PASSED_OVER = (".", "_")
# Hadoop's patterns (org.apache.hadoop.fs.FileSystem.globStatus), to which Spark takes every name that is read.
PATTERN = re.compile(r"[{}\[\]*?\\]")


def require_folder(root: str) -> None:
    """Looks that a local run folder is a folder, or can be made.

    Args:
        root: Path or URL of the run folder.

    Raises:
        UserError: A file has its name, or the name of a folder above it.
    """
    if not storage.is_local(root):
        return
    path = Path(local_path(root))
    there = next((each for each in (path, *path.parents) if os.path.lexists(each)), None)
    if there is not None and not there.is_dir():
        raise UserError(f"{there} is a file, and a run needs a folder: name another one")


def require_plain_name(root: str) -> None:
    """Looks that Spark can read what is in a run folder of this name.

    Raises:
        UserError: It can't: Hadoop splits names at colons where it takes them apart for patterns.
    """
    if storage.is_local(root) and ":" in location(root) and PATTERN.search(location(root)):
        raise UserError(
            f"the full name of --output {root} has a colon and one of [ ] {{ }} * ? \\, which Spark can't read: "
            "name another folder"
        )


def require_free(root: str, owned: Collection[str], options: StorageOptions) -> frozenset[str]:
    """Looks that nothing in a folder has a name that a run needs, unless the run has taken it before.

    Args:
        root: The run folder; it need not exist.
        owned: The names that the run has taken.
        options: How to reach it.

    Returns:
        All names that a run needs.

    Raises:
        UserError: Something has one.
    """
    new = NAMES.difference(owned)
    if new:
        present = {name.rstrip("/") for name in storage.list_folder(root, options)}
        for name in sorted(new & present):
            raise UserError(
                f"{storage.join(root, name)} is there, and no run made it: this run would replace it. Give another "
                "--output, or move it away"
            )
    return NAMES


def require_ours(folders: Iterable[str], options: StorageOptions) -> None:
    """Looks that all in some folders has a name that a run gives its files.

    Args:
        folders: Folders of tables or of their parts; they need not exist.
        options: How to reach them.

    Raises:
        UserError: Something hasn't.
    """
    for folder in folders:
        for name in storage.list_folder(folder, options, recursive=True):
            if not _is_ours([*folder.rsplit("/", 1)[1:], *name.split("/")]):
                raise UserError(
                    f"{storage.join(folder, name)} isn't a file of this run and would be deleted together with the "
                    "table: move it elsewhere first"
                )


def _is_ours(path: Sequence[str]) -> bool:
    *folders, name = path
    if any(part.startswith(_PASSED_OVER) for part in path):
        return True
    return bool(_FILE.fullmatch(name)) and all(_PART.fullmatch(folder) for folder in folders)


def require_outside(root: str, inputs: Iterable[str], options: StorageOptions) -> None:
    """Looks that no input lies inside the run folder, where tables are replaced and removed.

    Args:
        root: The run folder.
        inputs: Paths and URLs.
        options: How inputs are reached.

    Raises:
        UserError: One does.
    """
    inside = location(root).rstrip("/") + "/"
    for path in inputs:
        if location(resolve(path, options)).startswith(inside):
            raise UserError(
                f"--input {path} lies inside --output {root}, where tables are replaced and removed: give another "
                "--output"
            )
