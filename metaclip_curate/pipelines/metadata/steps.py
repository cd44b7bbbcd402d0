"""The steps of a build: when they run, and where their data are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from metaclip_curate import storage
from metaclip_curate.metadata.building.record import FOLDER, BuildRecord
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
        own: Checks that the metadata folder is this build's, and raises an error otherwise.

    Attributes:
        folder: Folder of the steps' data.
        record: The record of finished steps.
        log: Function that prints a line.
        own: As given; called before each change of the folder.
    """

    def __init__(self, output: str, options: StorageOptions, log: Log, own: Callable[[], None] = lambda: None) -> None:
        self.folder = storage.join(output, STAGES_FOLDER)
        self.record = BuildRecord(self.folder, options, own)
        self.log = log
        self.own = own
        self._storage = options

    def path(self, step: str) -> str:
        """Returns the path of a step's data."""
        return storage.join(self.folder, step)

    def data(self, step: str) -> str:
        """Returns the folder in which Spark wrote the data of a finished step."""
        name = self.record.summary(step).get(FOLDER)
        return storage.join(self.path(step), name) if name else self.path(step)

    def new_folder(self, step: str) -> str:
        """Deletes the earlier data of a step, and returns a folder for new data, which no other build writes to.

        A build that was taken for dead may still be writing, and Spark reads every file that a folder has. Only folders
        that the record names are deleted.
        """
        new, before = uuid.uuid4().hex[:8], self.record.folders(step)
        self.record.record_folders(step, [*before, new])
        for name in before:
            storage.delete_folder(storage.join(self.path(step), name), self._storage)
        self.record.record_folders(step, [new])
        return storage.join(self.path(step), new)

    def finish(
        self, step: str, options: dict[str, Any], sources: list[list[str]], folder: str, summary: dict[str, Any]
    ) -> None:
        """Records a step whose data are completely written to a folder of `new_folder`."""
        name = folder.rpartition("/")[2]
        self.record.finish(step, options, sources, {**summary, FOLDER: name})

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
