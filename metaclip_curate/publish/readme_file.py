"""Writing the README of a data set into a run folder."""

from __future__ import annotations

import contextlib
import posixpath
import re

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.publish.datacard import read_datacard
from metaclip_curate.publish.datacard_readme import MARK, NAME, POOL_MARK, datacard_readme
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.funnel import funnel
from metaclip_curate.run.stages import STAGES


def write_readme(folder: RunFolder, name: str = "") -> str:
    """Writes README.md into a run folder, unless somebody else's file has that name.

    Args:
        folder: Run folder with the stage sample finished.
        name: Name of the data set. Default: name of the folder.

    Returns:
        Path of the file.

    Raises:
        UserError: The manifest isn't as it was written, or there is a README that `datacard` didn't write.
    """
    folder.table_files("sample", "manifest")  # a manifest that was altered must not be published
    named = name or dataset_name(folder)
    readme = _readme(folder, named)
    path = storage.join(folder.root, NAME)
    with contextlib.suppress(FileNotFoundError):
        found = storage.read_bytes(path, folder.options)
        if MARK.encode() not in found and POOL_MARK.encode() not in found:
            raise UserError(f"{path} exists, and `datacard` didn't write it: move it away first")
    storage.write_bytes(path, readme.encode(), folder.options)
    return path


def unchanged_name(folder: RunFolder) -> str:
    """Returns the name of the data set in a run folder's README.

    Args:
        folder: Run folder with the stage sample finished.

    Returns:
        The name; empty if there is no README, or it isn't what `write_readme` would write now.
    """
    try:
        found = storage.read_bytes(storage.join(folder.root, NAME), folder.options).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    title = re.search(r"^# (.+)$", found, re.MULTILINE)
    ours = title and (MARK in found or POOL_MARK in found) and _readme(folder, title[1]) == found
    return title[1] if title and ours else ""


def _readme(folder: RunFolder, name: str) -> str:
    return datacard_readme(read_datacard(folder), funnel(folder, STAGES), name, folder.root)


def dataset_name(folder: RunFolder) -> str:
    """Returns the name of a data set that has none of its own: that of its folder."""
    return posixpath.basename(folder.root.rstrip("/"))
