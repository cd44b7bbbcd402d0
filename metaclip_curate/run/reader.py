"""A run folder as anyone may read it: what is finished, with which options and results, and the files of its tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run import folder_names
from metaclip_curate.run.file_list import FileList, PartFile, TableFile, check_folder, digest
from metaclip_curate.run.option_changes import changed_option, older_values
from metaclip_curate.run.owner import RunOwner
from metaclip_curate.run.record import (
    DedupPart,
    Generation,
    MatchPart,
    PartRecord,
    RecipeRecord,
    RemovedFile,
    RunRecord,
    StageRecord,
    to_json,
)
from metaclip_curate.run.record_file import RecordFile
from metaclip_curate.run.stages import remedy
from metaclip_curate.run.summaries import Summary, stage_of
from metaclip_curate.schemas import Kept, kept_columns
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.run_folders import LISTS

_WHOLE = "table"  # names the list of a table that has no parts

S = TypeVar("S", bound=Summary)


class RunReader:
    """A run folder and its record, without what changes them.

    Args:
        root: Path or URL of the folder.
        options: Credentials and limits for the folder.
        owner: The process that may change it, by which a message knows that another one is writing.

    Attributes:
        root: Path or URL of the folder, without a slash at the end.
        options: As given.

    Raises:
        UserError: The folder can't be written, or its run.json can't be read.
    """

    def __init__(self, root: str, options: StorageOptions | None = None, owner: RunOwner | None = None) -> None:
        self.root = root.rstrip("/") or root
        self.options = options or StorageOptions()
        folder_names.require_folder(self.root)
        self._owner = owner or RunOwner(self.root, self.options)
        self._file = RecordFile(self.root, self.options)
        run = self._file.read() or RunRecord()
        self._stages: dict[str, StageRecord] = dict(run.stages)
        self._removed, self._removing = run.removed, run.removing
        self._owned = run.owns
        self._unfinished: frozenset[str] = run.unfinished

    # Names of folders

    def table(self, name: str) -> str:
        """Returns the folder of a table."""
        return storage.join(self.root, name)

    def part(self, table: str, part: str) -> str:
        """Returns the folder of a part of a table that is written in parts."""
        return storage.join(self.root, table, part)

    def work(self, name: str) -> str:
        """Returns a folder for files that are needed only until a stage is finished."""
        return storage.join(self.root, folder_names.WORK, name)

    # What is finished

    def parts(self, stage: str) -> dict[str, PartRecord]:
        """Returns the records of a stage's finished parts by name; empty if the stage was never begun."""
        return dict(self._stages[stage].parts) if stage in self._stages else {}

    def dedup_parts(self) -> dict[str, DedupPart]:
        """Returns the records of the finished parts of `distinct` by name."""
        return {name: part for name, part in self.parts("dedup").items() if isinstance(part, DedupPart)}

    def match_parts(self) -> dict[str, MatchPart]:
        """Returns the records of the finished parts of `matched` by name."""
        return {name: part for name, part in self.parts("match").items() if isinstance(part, MatchPart)}

    def generations(self) -> tuple[Generation, ...]:
        """Returns the generations of deduplicating that were begun."""
        return (self._stages["dedup"].generations or ()) if "dedup" in self._stages else ()

    def require(self, stage: str) -> StageRecord:
        """Returns the record of a finished stage.

        Raises:
            UserError: It isn't finished; the message has the command that finishes it.
        """
        record = self._stages.get(stage)
        if record is None or not record.finished:
            first = f"run `metaclip-curate {stage} --output {self.root}` first"
            if not self._file.exists:
                self._require_run(stage, first)
            raise UserError(f"{self.root} has no finished stage {stage}: {self.wait_or(self._advice(stage, first))}")
        return record

    def _advice(self, stage: str, first: str) -> str:
        """Returns how to finish a stage: of a run that was stopped, by its own command, which has all options."""
        command = self._owner.last_command()
        if command:
            return f"give the command again that was stopped, `{command}`"
        return "it was begun, so give the command again that began it" if stage in self._stages else first

    def _require_run(self, stage: str, first: str) -> None:
        """Raises a UserError about a folder without a run.json. A run isn't proposed for a folder with other files."""
        found = storage.list_folder(self.root, self.options)
        if f"{LISTS}/" in found:
            raise UserError(
                f"{self.root} has tables of a run, but no run.json, without which they can't be read: "
                f"{self.wait_or('put a copy of run.json there, or name another folder')}"
            )
        if found:
            advice = self.wait_or("check the name")
            raise UserError(f"{self.root} isn't a run folder, since there is no run.json in it: {advice}")
        raise UserError(
            f"{self.root} has no finished stage {stage} (there is no run.json in it): "
            f"{self.wait_or(f'check the name, or {first}')}"
        )

    def wait_or(self, otherwise: str) -> str:
        """Returns what to do about a table that is missing or old: wait if another run is writing the folder."""
        writer = self._owner.other_run()
        return f"{writer} is writing it: wait until it has ended" if writer else otherwise

    def is_finished(self, stage: str, upstream: str) -> bool:
        """Returns whether a stage is finished and was computed from the tables with this fingerprint."""
        record = self._stages.get(stage)
        return bool(record and record.finished and record.upstream == upstream)

    def summary(self, kind: type[S]) -> S:
        """Returns the result of a finished stage.

        Args:
            kind: The class of its summary, such as `MatchSummary`.

        Raises:
            UserError: The stage isn't finished.
        """
        found = self.require(stage_of(kind)).summary
        if not isinstance(found, kind):
            raise UserError(f"{self._file.url} has no summary of {stage_of(kind)}: {remedy(stage_of(kind))}")
        return found

    def options_of(self, stage: str) -> dict[str, Any]:
        """Returns the options that a stage was started with; empty if it never was.

        An option that the version which started it didn't have has its default.
        """
        return {**older_values(stage), **self._stages[stage].options} if stage in self._stages else {}

    def kept_columns(self) -> Kept:
        """Returns the kept columns of a pool, which the tables of pairs have besides those of their schemas."""
        options = self.options_of("extract")
        return kept_columns(options.get("keep_columns", ()), options.get("kept_types", ()))

    def recipe_of(self, stage: str) -> RecipeRecord | None:
        """Returns the recipe that a stage was started with; None without one."""
        return self._stages[stage].recipe if stage in self._stages else None

    def fingerprint(self, stage: str) -> str:
        """Returns a digest of what a finished stage's tables were computed from."""
        record = self.require(stage)
        parts = {name: to_json(replace(part, files_digest=None)) for name, part in record.parts.items()}
        computed_from = [stage, record.options, record.upstream, parts]
        if stage == "sample" and self._removed:  # which has changed the manifest since
            computed_from.append(self.removed_digest)
        return hashlib.sha256(json.dumps(computed_from, sort_keys=True).encode()).hexdigest()[:16]

    def check_options(self, stage: str, options: Mapping[str, Any]) -> None:
        """Compares a command's options with those that the stage was started with.

        Raises:
            UserError: One differs; the message names it and both values.
        """
        changed = changed_option(self.options_of(stage), {**older_values(stage), **options})
        if changed:
            raise UserError(
                f"{self.root} was made with {changed}: use what it was made with, give another --output, or repeat "
                f"{stage} and what follows: add --again-from {stage} to `metaclip-curate run` or `rebalance`, "
                "whichever made the folder"
            )

    # The files of tables

    def table_files(self, stage: str, table: str, parts: Iterable[str] | None = None) -> list[TableFile]:
        """Returns the files of a table, after a check that they are what was written.

        Args:
            stage: The stage that writes the table.
            table: The table's name.
            parts: Finished parts to return. Default: all, of a stage that must be finished.

        Raises:
            UserError: The stage isn't finished; or a file is missing, was added, or isn't what was written.
        """
        if parts is None:
            self.require(stage)
            parts = sorted(self.parts(stage)) or [""]
        listed = {part: self._listed_files(stage, table, part) for part in parts}
        self._check_files(stage, table, listed)
        return [
            file
            for part, files in listed.items()
            for file in (self._unlisted_files(table, part) if files is None else self._files(table, part, files))
        ]

    def _listed_files(self, stage: str, table: str, part: str) -> Sequence[PartFile] | None:
        """Returns the files of a part by its list; None if there is no list."""
        if table in self._removing:
            raise UserError(
                f"what was removed is only partly gone from {self.table(table)}, since that was interrupted: "
                f"`metaclip-curate remove --run {self.root}` finishes it"
            )
        files = self.file_list(stage, part)
        return None if files is None else files.tables.get(table, ())  # a rebalanced run has screened nothing

    def _check_files(self, stage: str, table: str, listed: Mapping[str, Sequence[PartFile] | None]) -> None:
        """Compares the folder of a table with the lists of its parts, or the folders of some parts with theirs."""
        known = {part: files for part, files in listed.items() if files is not None}
        if known and listed.keys() >= self.parts(stage).keys():
            below = {f"{part}/{file.name}".lstrip("/"): file for part, files in known.items() for file in files}
            check_folder(
                self.table(table),
                below,
                self.options,
                remedy(stage),
                lambda: self._named_parts(stage, table) - known.keys(),
            )
            return
        for part, files in known.items():
            check_folder(self.part(table, part), {file.name: file for file in files}, self.options, remedy(stage))

    def _named_parts(self, stage: str, table: str) -> set[str]:
        """Returns the parts of a table that run.json names now, also for another run that is writing the folder."""
        now = RecordFile(self.root, self.options).read() or RunRecord()
        folders = (name.partition("/") for name in self._unfinished | now.unfinished)
        begun = {part for of_table, _, part in folders if of_table == table}
        return begun.union(now.stages[stage].parts if stage in now.stages else ())

    def _files(self, table: str, part: str, files: Sequence[PartFile]) -> list[TableFile]:
        return [TableFile(storage.join(self.table(table), part, file.name), file.rows) for file in files]

    def _unlisted_files(self, table: str, part: str) -> list[TableFile]:
        folder = storage.join(self.table(table), part)
        return [TableFile(storage.join(folder, name), None) for name in storage.list_parquet(folder, self.options)]

    def file_list(self, stage: str, part: str = "", verified: bool = True) -> FileList | None:
        """Returns the list of a finished part's files.

        Args:
            stage: The stage that writes the part.
            part: The part's name; empty for a table without parts.
            verified: Whether the list must be what was written. It may be a newer one if a removal was interrupted.

        Returns:
            The list; None of a stage that a rebalanced run has taken over without its tables.

        Raises:
            UserError: The list is missing or isn't what was written.
        """
        record = self._stages[stage]
        expected = record.parts[part].files_digest if part else record.files_digest
        if expected is None:
            return None
        url = self._list_url(stage, part)
        try:
            data = storage.read_bytes(url, self.options)
        except FileNotFoundError:
            raise UserError(f"{url} is missing: {remedy(stage)}") from None
        if verified and digest(data) != expected:
            raise UserError(f"{url} was changed after the run wrote it: {remedy(stage)}")
        return FileList.from_bytes(data)

    def _list_url(self, stage: str, part: str) -> str:
        return storage.join(self.root, LISTS, stage, f"{part or _WHOLE}.json")

    # What was taken down

    @property
    def removed_files(self) -> tuple[RemovedFile, ...]:
        """The files of the table `removed`, in the order in which they were written."""
        return self._removed

    @property
    def removed_digest(self) -> str:
        """A digest of the table `removed`; empty if nothing was removed."""
        return digest(json.dumps([file.sha256 for file in self._removed]).encode()) if self._removed else ""

    @property
    def removing(self) -> tuple[str, ...]:
        """The tables that are being rewritten without what was removed."""
        return self._removing
