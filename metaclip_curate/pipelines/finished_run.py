"""A finished run and a Spark session, as the commands that come after it read it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from metaclip_curate.options.run import RunOptions
from metaclip_curate.run.finished import open_finished
from metaclip_curate.run.removed_table import removals
from metaclip_curate.spark.session import get_session
from metaclip_curate.stages.shared.staying_rows import staying_rows
from metaclip_curate.stages.shared.tables import read_run_table
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class FinishedRun:
    """A run folder that is read and never written.

    Args:
        root: Path or URL of the run folder.
        stage: The last stage that must be finished; so must those before it, each computed from the one before.
        storage: Credentials and limits for the folder.
        session: Settings of a local session.

    Attributes:
        folder: The run folder.

    Raises:
        UserError: A stage isn't finished, or was computed from tables that have changed since.
    """

    def __init__(self, root: str, stage: str, storage: StorageOptions, session: RunOptions) -> None:
        self.folder = open_finished(root, stage, storage)
        self._session = session

    @cached_property
    def spark(self) -> SparkSession:
        """The session, started when it is first needed."""
        return get_session(self._session)

    def read(self, stage: str, table: str, schema: pa.Schema) -> DataFrame:
        """Reads a table of a finished stage."""
        return read_run_table(self.spark, self.folder, stage, table, schema)

    def read_staying(self, stage: str, table: str, schema: pa.Schema) -> DataFrame:
        """Reads a table of a finished stage without what was taken down, which it has until it is purged."""
        return staying_rows(self.read(stage, table, schema), schema, removals(self.folder))
