"""Names of a run's files and folders, by which it knows what it may replace and remove.

A run folder may hold files of the user's. A run begins only if nothing in it has the name of one of the run's own files
and folders; run.json lists these names from then on. `own_files` has what in the folders of tables is the run's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.run_folders import LISTS
from metaclip_curate.storage.urls import local_path, location, resolve

DATACARD, REPORT, FIGURES = "datacard.json", "report.html", "figures"
# Files that are needed only until a stage, or the report, is finished.
WORK, REPORT_WORK = "_work", "_report"
# The pages that inputs `cc-index:` chose.
SELECTIONS = "selections"
# What was taken down, which isn't a table of a stage.
REMOVED = "removed"
TABLES = ("pairs", "inputs", "distinct", "matched", "screened", "counts", "thresholds", "manifest")
NAMES = frozenset({*TABLES, REMOVED, DATACARD, REPORT, FIGURES, LISTS, WORK, REPORT_WORK, SELECTIONS})

# Hadoop's patterns (org.apache.hadoop.fs.FileSystem.globStatus); Spark takes every name that it reads for one.
PATTERN = re.compile(r"[{}\[\]*?\\]")


def require_folder(root: str) -> None:
    """Checks that a local folder to write, such as a run folder, is a folder or can be created.

    Args:
        root: Path or URL of the folder.

    Raises:
        UserError: The name, or that of a folder above it, is a file.
    """
    found = _existing(root)
    if found is not None and not found.is_dir():
        raise UserError(f"{found} is a file and not a folder: name another one")


def require_empty_folder(root: str, options: StorageOptions) -> None:
    """Checks that a folder to write has nothing in it.

    Args:
        root: Path or URL of the folder, the command's --output. It need not exist.
        options: Credentials and limits for the folder.

    Raises:
        UserError: It isn't empty, or is a file.
    """
    require_folder(root)
    if storage.list_folder(root, options):
        raise UserError(f"--output {root} isn't empty: name a new folder or empty this one")


def require_writable_folder(root: str) -> None:
    """Checks that a local folder is one in which files can be made, or can be created.

    Args:
        root: Path or URL of the folder.

    Raises:
        UserError: The name, or that of a folder above it, is a file or a folder without the permission.
    """
    require_folder(root)
    found = _existing(root)
    if found is not None and not os.access(found, os.W_OK | os.X_OK):
        raise UserError(f"{found} can't be written: change its permissions or name another folder")


def require_no_run(folder: str, options: StorageOptions) -> None:
    """Checks that a folder to write something else to, such as lists of metadata, isn't a run folder.

    Args:
        folder: Path or URL of the folder, which need not exist.
        options: Credentials and limits for the folder.

    Raises:
        UserError: It has a run.json.
    """
    try:
        found = storage.read_bytes(storage.join(folder, "run.json"), options)
    except FileNotFoundError:
        return
    # A list of the language run, Rundi, has the same name and is a JSON array.
    if found.lstrip().startswith(b"{"):
        raise UserError(f"--output {folder} is a run folder: name another one for the metadata")


def _existing(root: str) -> Path | None:
    """Returns a local folder, or the nearest above it that exists; None of a folder in a store."""
    if not storage.is_local(root):
        return None
    path = Path(local_path(root))
    return next((each for each in (path, *path.parents) if os.path.lexists(each)), None)


def require_plain_name(root: str) -> None:
    """Checks that Spark can read files in a run folder of this name.

    Raises:
        UserError: It can't, since Hadoop splits patterns at colons.
    """
    if storage.is_local(root) and ":" in location(root) and PATTERN.search(location(root)):
        raise UserError(
            f"the full name of --output {root} has a colon and one of [ ] {{ }} * ? \\, which Spark can't read: "
            "name another folder"
        )


def require_free(root: str, owned: Collection[str], options: StorageOptions) -> frozenset[str]:
    """Checks that nothing in a folder has a name that a run needs, but for names that the run owns.

    Args:
        root: Path or URL of the run folder, which need not exist.
        owned: Names that the run owns.
        options: Credentials and limits for the folder.

    Returns:
        All names that a run needs.

    Raises:
        UserError: A file or folder has one.
    """
    new = NAMES.difference(owned)
    if new:
        present = {name.rstrip("/") for name in storage.list_folder(root, options)}
        for name in sorted(new & present):
            raise UserError(
                f"{storage.join(root, name)} already exists, and no run made it: this run would replace it. "
                "Give another --output, or move it away"
            )
    return NAMES


def require_outside(root: str, inputs: Iterable[str], options: StorageOptions) -> None:
    """Checks that no input lies inside the run folder, where tables are replaced and removed.

    Args:
        root: Path or URL of the run folder.
        inputs: Paths and URLs of input files.
        options: Credentials and limits for the inputs.

    Raises:
        UserError: An input does.
    """
    inside = location(root).rstrip("/") + "/"
    for path in inputs:
        if location(resolve(path, options)).startswith(inside):
            raise UserError(
                f"--input {path} lies inside --output {root}, where tables are replaced and removed: give another "
                "--output"
            )


def require_apart(root: str, metadata: str) -> None:
    """Checks that run folder and metadata folder are different, since run.json has the form of a list's name.

    Args:
        root: Path or URL of the run folder.
        metadata: Path or URL of the metadata folder.

    Raises:
        UserError: The run folder is the metadata folder, or the metadata lie where the run has its files.
    """
    run, lists = (location(folder).rstrip("/") + "/" for folder in (root, metadata))
    if run == lists:
        raise UserError(f"--output {root} is the metadata folder {metadata}: give another --output")
    if lists.startswith(run) and lists.removeprefix(run).partition("/")[0] in NAMES:
        raise UserError(
            f"--metadata {metadata} lies among the tables of --output {root}, which are replaced and removed: give "
            "another --output"
        )
