"""The run folder: its tables, and run.json, which records what of them is finished.

Only what run.json names counts. It is one small object that is replaced as a whole after a table, or a part of one, is
completely written. This needs neither a rename nor an append, and so works on object stores. What isn't named is left
over from a run that died, and is removed before the stage goes on.

The folder may hold files of the user's. A run begins only if nothing has the name of one of its own files and folders,
which run.json names from then on, and of these it removes only what has a name that the run gives its files.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from metaclip_curate import storage
from metaclip_curate.run import folder_names
from metaclip_curate.run.file_list import FileList, digest
from metaclip_curate.run.owner import RunOwner, owning
from metaclip_curate.run.reader import RunReader
from metaclip_curate.run.record import (
    Generation,
    PartRecord,
    RecipeRecord,
    RemovedFile,
    RunRecord,
    StageRecord,
    json_bytes,
)
from metaclip_curate.run.record_file import cannot_write
from metaclip_curate.run.stages import STAGES, TABLES, stages_from
from metaclip_curate.run.summaries import Summary
from metaclip_curate.storage import StorageOptions


class RunFolder(RunReader):
    """A run folder and its record. Anyone may read it; only its owner may change it.

    Args:
        root: Path or URL of the folder.
        options: Credentials and limits for the folder.
        owner: The process that changes it. Default: this one, once it makes its first change.

    Raises:
        UserError: The folder can't be written, or its run.json can't be read.
    """

    def __init__(self, root: str, options: StorageOptions | None = None, owner: RunOwner | None = None) -> None:
        super().__init__(root, options, owner)
        self._lock = threading.Lock()

    def owned(self) -> AbstractContextManager[None]:
        """Returns a block of changes, which acquires the folder before the first and releases it at the end.

        Blocks can be nested; then the outermost one counts.
        """
        return self._owner.working()

    def require_owner(self) -> None:
        """Acquires the folder before the first change; before each later one, checks that it still is this run's.

        Raises:
            UserError: Another run is writing the folder, or it can't be written.
            JobFailedError: Another run has taken it over.
        """
        try:
            self._owner.require()
        except OSError as error:
            raise cannot_write(self.root, error) from error

    def _save(self) -> None:
        self.require_owner()
        self._file.write(RunRecord(self._owned, self._stages, self._removed, self._removing))

    @owning
    def write_small(self, name: str, value: Any) -> None:
        """Writes a JSON object beside the tables."""
        self.require_owner()
        storage.write_bytes(storage.join(self.root, name), json_bytes(value), self.options)

    @owning
    def begin(
        self,
        stage: str,
        options: Mapping[str, Any],
        upstream: str,
        grows: bool = False,
        recipe: RecipeRecord | None = None,
    ) -> None:
        """Begins a stage, or goes on with it. Removes its old result unless its finished parts are still valid.

        Args:
            stage: The stage.
            options: Its options as JSON types.
            upstream: Fingerprint of the tables that it reads.
            grows: Whether parts stay valid when the tables that the stage reads have grown.
            recipe: Recipe from which some of the options come; it isn't compared with that of a stage that continues.

        Raises:
            UserError: The options aren't those that the stage was started with; a file of the user's has a name that
                the run needs; or tables would be removed, and one of those before is damaged.
        """
        self.check_options(stage, options)
        self._owned |= folder_names.require_free(self.root, self._owned, self.options)
        record = self._stages.get(stage)
        if record is None or (record.upstream != upstream and not grows):
            stale = self._folders_from(stage)
            if any(storage.list_folder(folder, self.options) for folder in stale):
                # A damaged table can still be replaced by a copy; what was computed from it would be gone.
                self._require_tables_before(stage)
            self.forget(stage)
            record = StageRecord(options=dict(options), recipe=recipe)
        else:
            stale = self._leftovers(stage)
        self._stages[stage] = replace(record, upstream=upstream, finished=False)
        self._save()
        self._delete([storage.join(self.root, folder_names.WORK), *stale])

    @owning
    def commit_part(self, stage: str, part: str, record: PartRecord, files: FileList | None = None) -> None:
        """Records that a part is completely written. Threads may call it.

        Args:
            stage: The stage.
            part: The part's name.
            record: What run.json keeps of it.
            files: Its files.
        """
        written = replace(record, files_digest=self._write_list(stage, part, files))
        with self._lock:
            self._set_parts(stage, {**self._stages[stage].parts, part: written})
            self._save()

    @owning
    def replace_parts(
        self, stage: str, gone: Collection[str], added: Mapping[str, tuple[PartRecord, FileList]]
    ) -> None:
        """Replaces some parts by others, first in run.json and then on disk."""
        written = {
            part: replace(record, files_digest=self._write_list(stage, part, files))
            for part, (record, files) in added.items()
        }
        with self._lock:
            parts = self._stages[stage].parts
            self._set_parts(stage, {name: parts[name] for name in parts if name not in gone} | written)
            leftovers = self._leftovers(stage)
            self._save()
        self._delete(leftovers)
        for part in gone:
            storage.delete_file(self._list_url(stage, part), self.options)

    def _set_parts(self, stage: str, parts: Mapping[str, PartRecord]) -> None:
        self._stages[stage] = replace(self._stages[stage], parts=parts)

    @owning
    def record_generations(self, generations: Sequence[Generation]) -> None:
        """Records the generations of deduplicating that were begun, before the last is deduplicated."""
        self._stages["dedup"] = replace(self._stages["dedup"], generations=tuple(generations))
        self._save()

    @owning
    def finish(self, stage: str, summary: Summary, files: FileList | None = None) -> None:
        """Records that a stage is completely written.

        Args:
            stage: The stage.
            summary: Its result.
            files: The files of a table without parts.
        """
        self.require_owner()
        # First, so that a run that dies here leaves nothing that nobody would remove any more.
        self._delete([storage.join(self.root, folder_names.WORK)])
        record = self._stages[stage]
        if files is not None:
            record = replace(record, files_digest=self._write_list(stage, "", files))
        self._stages[stage] = replace(record, summary=summary, finished=True)
        self._removing = tuple(table for table in self._removing if table not in TABLES[stage])
        self._save()

    def forget(self, stage: str) -> None:
        """Makes a stage and those after it be done again. Nothing is removed before the first of them begins."""
        for name in stages_from(stage):
            self._stages.pop(name, None)

    @owning
    def discard(self, stage: str) -> None:
        """Forgets a stage and those after it, first in run.json and then on disk.

        Raises:
            UserError: A file among its tables isn't the run's. Nothing has been removed then.
        """
        folders = self._folders_from(stage)
        self.forget(stage)
        self._save()
        self._delete(folders)

    def _require_tables_before(self, stage: str) -> None:
        """Checks the files of the tables that a stage may read.

        Raises:
            UserError: A file is missing, was added, or isn't what was written.
        """
        for name in STAGES[: STAGES.index(stage)]:
            # The stages from matching on don't read the pairs, of which only the distinct ones matter then.
            if name in self._stages and (name != "extract" or stage == "dedup"):
                for table in TABLES[name]:
                    self.table_files(name, table)

    def _folders_from(self, stage: str) -> list[str]:
        """Returns the folders of all tables of a stage and of those after it, and of their lists.

        Raises:
            UserError: A file in them isn't the run's.
        """
        later = stages_from(stage)
        tables = [self.table(table) for name in later for table in TABLES[name]]
        folder_names.require_ours(tables, self.options)
        return [*tables, *(storage.join(self.root, folder_names.LISTS, name) for name in later)]

    def _leftovers(self, stage: str) -> list[str]:
        """Returns folders of parts that run.json doesn't name; of a table without parts, the table's folder.

        Raises:
            UserError: A file in them isn't the run's.
        """
        parts = self._stages[stage].parts
        found = []
        for table in TABLES[stage]:
            folder = self.table(table)
            if not parts:
                found.append(folder)
                continue
            names = {name.rstrip("/") for name in storage.list_folder(folder, self.options) if name.endswith("/")}
            found += [storage.join(folder, name) for name in sorted(names - parts.keys())]
        folder_names.require_ours(found, self.options)
        return found

    def _delete(self, folders: Iterable[str]) -> None:
        for folder in folders:
            storage.delete_folder(folder, self.options)

    def _write_list(self, stage: str, part: str, files: FileList | None) -> str | None:
        """Writes the list of a part's files and returns its digest; None if there is no list."""
        if files is None:
            return None
        data = files.to_bytes()
        self.require_owner()
        storage.write_bytes(self._list_url(stage, part), data, self.options)
        return digest(data)

    # Removals

    @owning
    def begin_removal(self, files: Sequence[RemovedFile], tables: Sequence[str]) -> None:
        """Records files of the table `removed`, and tables that are rewritten and can't be read before they are.

        Args:
            files: All files of the table `removed`.
            tables: Tables that are rewritten.
        """
        self._owned |= folder_names.require_free(self.root, self._owned, self.options)
        self._removed = tuple(files)
        self._removing = tuple(dict.fromkeys([*self._removing, *tables]))
        self._save()

    @owning
    def replace_lists(self, stage: str, lists: Mapping[str, FileList], summary: Summary | None = None) -> None:
        """Records the files of rewritten tables, and that they can be read again when `end_removal` is called.

        Args:
            stage: The stage that wrote the tables.
            lists: Lists of the files by part; of a table without parts, under an empty name.
            summary: Result of the stage without what was removed. Default: the one that it has.
        """
        record = self._stages[stage]
        parts = dict(record.parts)
        for part, files in lists.items():
            written = self._write_list(stage, part, files)
            if part:
                parts[part] = replace(parts[part], files_digest=written)
            else:
                record = replace(record, files_digest=written)
        self._stages[stage] = replace(record, parts=parts, summary=summary or record.summary)

    @owning
    def end_removal(self) -> None:
        """Records that all tables are rewritten."""
        self._removing = ()
        self._save()
