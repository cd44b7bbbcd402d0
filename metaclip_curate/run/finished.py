"""Which stages of a run are finished, each computed from the tables of the one before as they are now."""

from __future__ import annotations

from itertools import pairwise

from metaclip_curate.errors import UserError
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import STAGES
from metaclip_curate.storage import StorageOptions


def open_finished(root: str, stage: str, options: StorageOptions) -> RunFolder:
    """Opens a run that is finished up to a stage.

    Args:
        root: Path or URL of the run folder.
        stage: The last stage that must be finished.
        options: Credentials and limits for the folder.

    Raises:
        UserError: A stage isn't finished, or was computed from tables that have changed since.
    """
    folder = RunFolder(root, options)
    require_finished(folder, stage)
    return folder


def require_finished(folder: RunFolder, stage: str) -> None:
    """Checks that a run is finished up to a stage.

    Args:
        folder: The run folder.
        stage: The last stage that must be finished.

    Raises:
        UserError: A stage isn't finished, or was computed from tables that have changed since.
    """
    required = STAGES[: STAGES.index(stage) + 1]
    for name in required:
        folder.require(name)
    for before, name in pairwise(required):
        if not folder.is_finished(name, folder.fingerprint(before)):
            again = folder.wait_or(f"run `metaclip-curate {name} --output {folder.root}` again")
            raise UserError(
                f"{folder.root} has a stage {name} that was made from another {before} than is there now: {again}"
            )


def finished_stages(folder: RunFolder) -> tuple[str, ...]:
    """Returns the finished stages up to the first that isn't, or was computed from tables that have changed since."""
    found: list[str] = []
    for stage in STAGES:
        try:
            folder.require(stage)
        except UserError:
            break
        if found and not folder.is_finished(stage, folder.fingerprint(found[-1])):
            break
        found.append(stage)
    return tuple(found)
