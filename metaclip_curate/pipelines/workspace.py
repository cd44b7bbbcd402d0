"""A run folder that a command writes, with the Spark session and the console that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from metaclip_curate.console.interrupts import cancel_jobs
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.options.recipe import RECIPE_STAGES, RecipeOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.run import folder_names
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.owner import Listener, RunOwner
from metaclip_curate.run.record import RecipeRecord
from metaclip_curate.run.stages import STAGES, remedy
from metaclip_curate.spark.progress import task_progress
from metaclip_curate.spark.session import get_session
from metaclip_curate.stages.shared.tables import damaged_file, read_run_table
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Log = Callable[[str], None]


@dataclass(frozen=True)
class Console:
    """Where a command's lines go.

    Attributes:
        log: Receives lines that stay.
        status: Receives lines about progress, each of which replaces the last.
    """

    log: Log = print
    status: Log = lambda line: None


class Workspace:
    """A run folder that is written.

    Args:
        options: The run folder and the settings of a local session.
        storage: Credentials and limits for the folder.
        command: The command line, which other commands name that find the folder in use.
        console: Receives lines about what the run does.
        recipe: Recipe from which some of the options come, which is recorded with each stage that has options of it.

    Attributes:
        folder: The run folder.
        console: As given.

    Raises:
        UserError: The run folder can't be used.
    """

    def __init__(
        self,
        options: RunOptions,
        storage: StorageOptions,
        command: str,
        console: Console,
        recipe: RecipeOptions | None = None,
    ) -> None:
        if not options.output:
            raise UserError("--output is missing: name the run folder")
        folder_names.require_plain_name(options.output)
        self.console = console
        self.folder = RunFolder(
            options.output, storage, RunOwner(options.output, storage, command, Listener(console.log, cancel_jobs))
        )
        self._options = options
        self._recipe = recipe or RecipeOptions()

    @cached_property
    def spark(self) -> SparkSession:
        """The session, started when the first stage needs it."""
        return get_session(self._options)

    def upstream(self, stage: str) -> str:
        """Returns the fingerprint of the tables that a stage reads, which must be finished."""
        number = STAGES.index(stage)
        return self.folder.fingerprint(STAGES[number - 1]) if number else ""

    def is_finished(self, stage: str) -> bool:
        """Returns whether a stage is finished for the tables that it reads, and logs it."""
        finished = self.folder.is_finished(stage, self.upstream(stage))
        self.console.log(f"{stage}: done before" if finished else f"{stage}: starting")
        return finished

    @contextmanager
    def stage(self, name: str, options: Mapping[str, Any], grows: bool = False) -> Iterator[None]:
        """Begins a stage, and shows Spark's progress while the block runs.

        Args:
            name: The stage.
            options: Its options as JSON types.
            grows: Whether its finished parts stay valid when the table that it reads has grown.

        Raises:
            UserError: A file of the table before is damaged.
        """
        self.folder.begin(name, dict(options), self.upstream(name), grows, self._recipe_of(name))
        with task_progress(self.spark, name, self.console.status):
            try:
                yield
            except Exception as error:
                file = damaged_file(error)
                if not file:
                    raise
                before = STAGES[STAGES.index(name) - 1]
                raise UserError(f"{file} is damaged: {remedy(before)}") from error

    def _recipe_of(self, stage: str) -> RecipeRecord | None:
        name = self._recipe.recipe
        return RecipeRecord(name, self._recipe.overridden_in(stage)) if name and stage in RECIPE_STAGES else None

    def read(self, stage: str, table: str, schema: pa.Schema, parts: Sequence[str] | None = None) -> DataFrame:
        """Reads a table of a finished stage, or some finished parts of it."""
        return read_run_table(self.spark, self.folder, stage, table, schema, parts)

    def require_all(self, stage: str, what: str, found: int, expected: int | None) -> None:
        """Compares what a stage read or wrote with what it should have; missing rows raise no error of their own.

        Args:
            stage: The stage.
            what: Name of the rows in the plural, for the message.
            found: Number of rows.
            expected: Number of rows that were written before; None if it isn't known.

        Raises:
            JobFailedError: They differ.
        """
        if expected is not None and found != expected:
            raise JobFailedError(
                f"{stage} read {found:,} of {expected:,} {what} in {self.folder.root}, and kept nothing of them: is "
                "Spark set to leave out damaged or missing files (spark.sql.files.ignoreCorruptFiles, "
                "ignoreMissingFiles)? Unset that and give the same command again"
            )
