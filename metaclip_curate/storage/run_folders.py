"""Run folders among listed files: their tables look like pools, and aren't input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

# Names in a run folder: its record, the folder with its lists of files, and the beginning of its owner's token.
RECORD, LISTS, OWNER = "run.json", "_files", "run.owner-"


def outside_run_folders(names: Sequence[str]) -> list[str]:
    """Returns the files that don't belong to a run folder, which has run.json with lists of files or an owner's token.

    Args:
        names: Paths of all files below a folder, relative to it.
    """
    paths = [PurePosixPath(name) for name in names if name.endswith(".json")]
    recorded = {path.parent for path in paths if path.name == RECORD}
    if not recorded:
        return list(names)
    marked = {path.parent for path in paths if path.name.startswith(OWNER)}
    marked |= {path.parents[2] for path in paths if path.parts[-3:-2] == (LISTS,)}
    runs = recorded & marked
    return [name for name in names if runs.isdisjoint(PurePosixPath(name).parents)]
