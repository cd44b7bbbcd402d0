"""The steps of a build: when they run, and where their data are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from metaclip_curate import storage
from metaclip_curate.metadata.building.record import BuildRecord
from metaclip_curate.metadata.sources.source_files import SourceFile
from metaclip_curate.storage import StorageOptions

Log = Callable[[str], None]
STAGES_FOLDER = "stages"


class BuildSteps:
    """The steps of a metadata folder. A step is a stage of one language, such as wordnet/de, or titles.

    Args:
        output: The metadata folder.
        options: Credentials and limits for reading and writing the folder.
        log: Function that prints a line.

    Attributes:
        folder: Folder of the steps' data.
        record: The record of finished steps.
        log: Function that prints a line.
    """

    def __init__(self, output: str, options: StorageOptions, log: Log) -> None:
        self.folder = storage.join(output, STAGES_FOLDER)
        self.record = BuildRecord(self.folder, options)
        self.log = log

    def path(self, step: str) -> str:
        """Returns the path of a step's data."""
        return storage.join(self.folder, step)

    def begin(self, step: str, options: dict[str, Any], sources: list[list[str]]) -> bool:
        """Logs whether a step runs, and removes it from the record if it does.

        Args:
            step: Name of the step.
            options: Options of the step as JSON types.
            sources: Name and digest of each file that the step reads.

        Returns:
            Whether the step must run; False if it is finished with these options and sources.
        """
        reason = self.record.reason_to_run(step, options, sources)
        if reason is None:
            self.log(f"{step}: finished before")
            return False
        self.log(f"{step}: {reason}, done again" if reason else f"{step}: begins")
        self.record.forget(step)
        return True

    def digests_of(self, files: Sequence[SourceFile]) -> list[list[str]]:
        """Computes name and digest of each source file."""
        digests = self.record.digests.of([file.path for file in files])
        return [[file.name, digest] for file, digest in zip(files, digests, strict=True)]
