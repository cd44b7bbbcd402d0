"""Writing the README of a data set into a run folder."""

from __future__ import annotations

import contextlib
import posixpath

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
    readme = datacard_readme(read_datacard(folder), funnel(folder, STAGES), named, folder.root)
    path = storage.join(folder.root, NAME)
    with contextlib.suppress(FileNotFoundError):
        found = storage.read_bytes(path, folder.options)
        if MARK.encode() not in found and POOL_MARK.encode() not in found:
            raise UserError(f"{path} exists, and `datacard` didn't write it: move it away first")
    storage.write_bytes(path, readme.encode(), folder.options)
    return path


def dataset_name(folder: RunFolder) -> str:
    """Returns the name of a data set that has none of its own: that of its folder."""
    return posixpath.basename(folder.root.rstrip("/"))
