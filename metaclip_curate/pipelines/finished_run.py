"""A run that is finished, as the commands that come after it read it."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from metaclip_curate.errors import UserError
from metaclip_curate.options.run import RunOptions
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import STAGES
from metaclip_curate.spark.session import get_session
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class FinishedRun:
    """A run folder that is read and never written.

    Args:
        root: The run folder.
        stage: The last stage that is needed; this and those before it must be finished, each made from the one before.
        storage: How to reach the folder.
        session: Settings of a local session.

    Raises:
        UserError: A stage isn't finished, or what it was made from has changed since.
    """

    def __init__(self, root: str, stage: str, storage: StorageOptions, session: RunOptions) -> None:
        self.folder = RunFolder(root, storage)
        self._session = session
        needed = STAGES[: STAGES.index(stage) + 1]
        for name in needed:
            self.folder.require(name)
        for before, name in pairwise(needed):
            if not self.folder.is_finished(name, self.folder.fingerprint(before)):
                raise UserError(
                    f"{self.folder.root} has a stage {name} that was made from another {before} than is there now: run "
                    f"`metaclip-curate {name} --output {self.folder.root}` again"
                )

    @cached_property
    def spark(self) -> SparkSession:
        """The session, started when it is needed first."""
        return get_session(self._session)

    def read(self, stage: str, table: str, schema: pa.Schema) -> DataFrame:
        """Reads a table of a finished stage."""
        from metaclip_curate.stages.shared.tables import read_run_table

        return read_run_table(self.spark, self.folder, stage, table, schema)
