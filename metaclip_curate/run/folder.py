"""The run folder: its tables, and run.json, which records what of them is finished.

Only what run.json names counts. It is one small object that is replaced as a whole after a table, or a part of one, is
completely written. This needs neither a rename nor an append, and so works on object stores.

The folder may hold files of the user's. A run begins only if nothing has the name of one of its own files and folders,
which run.json names from then on. A part is named before its first file is written, and a table before it is removed.
So whatever run.json doesn't name isn't the run's, and is neither replaced nor removed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from metaclip_curate import storage
from metaclip_curate.run import folder_names
from metaclip_curate.run.file_list import FileList
from metaclip_curate.run.own_files import require_no_file, require_no_such_file
from metaclip_curate.run.owned_folder import OwnedFolder, folders_of
from metaclip_curate.run.owner import owning
from metaclip_curate.run.record import Generation, PartRecord, RecipeRecord, RemovedFile, StageRecord, json_bytes
from metaclip_curate.run.stages import STAGES, TABLES, stages_from
from metaclip_curate.run.summaries import Summary


class RunFolder(OwnedFolder):
    """A run folder and its record. Anyone may read it; only its owner may change it.

    Args:
        root: Path or URL of the folder.
        options: Credentials and limits for the folder.
        owner: The process that changes it. Default: this one, once it makes its first change.

    Raises:
        UserError: The folder can't be written, or its run.json can't be read.
    """

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
                the run needs, or lies in one of its folders; or tables would be removed, and one of those before is
                damaged.
        """
        self.check_options(stage, options)
        self._owned |= folder_names.require_free(self.root, self._owned, self.options)
        left = folder_names.WORK in self._unfinished
        self._announce((folder_names.WORK,))
        record = self._stages.get(stage)
        if record is None or (record.upstream != upstream and not grows):
            self.forget(stage)
            gone = self._take_out(stages_from(stage))
            if gone.folders:
                # A damaged table can still be replaced by a copy; what was computed from it would be gone.
                self._require_tables_before(stage)
            record = StageRecord(options=dict(options), recipe=recipe)
        else:
            gone = self._take_out((stage,))
        self._stages[stage] = replace(record, upstream=upstream, finished=False, files_digest=None)
        self._save_and_delete(gone)
        if left:
            storage.delete_folder(self.table(folder_names.WORK), self.options)

    @owning
    def begin_parts(self, stage: str, parts: Iterable[str]) -> None:
        """Records that parts are about to be written. Threads may call it.

        Args:
            stage: The stage.
            parts: Names of the parts.

        Raises:
            UserError: A file of the user's lies where a part would be written.
        """
        with self._lock:
            self._announce(folders_of(stage, parts))
            self._save()

    @owning
    def commit_part(
        self, stage: str, part: str, record: PartRecord, files: FileList | None = None, following: Iterable[str] = ()
    ) -> None:
        """Records that a part is completely written. Threads may call it.

        Args:
            stage: The stage.
            part: The part's name.
            record: What run.json keeps of it.
            files: Its files.
            following: Names of parts that are about to be written, as in `begin_parts`.

        Raises:
            UserError: A file of the user's lies where a following part would be written.
        """
        written = replace(record, files_digest=self._write_list(stage, part, files))
        with self._lock:
            self._set_parts(stage, {**self._stages[stage].parts, part: written})
            self._unfinished -= folders_of(stage, (part,))
            try:
                self._announce(folders_of(stage, following))
            finally:
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
            self._unfinished = (self._unfinished | folders_of(stage, gone)) - folders_of(stage, added)
            self._save_and_delete(self._take_out((stage,)))

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
        if folder_names.WORK in self._unfinished:
            # First, so that a run that dies here leaves nothing that nobody would remove any more.
            storage.delete_folder(self.table(folder_names.WORK), self.options)
            self._unfinished -= {folder_names.WORK}
        record = self._stages[stage]
        if files is not None:
            record = replace(record, files_digest=self._write_list(stage, "", files))
        self._stages[stage] = replace(record, summary=summary, finished=True)
        self._removing = tuple(table for table in self._removing if table not in TABLES[stage])
        self._save()

    @owning
    def discard(self, stage: str) -> None:
        """Forgets a stage and those after it, first in run.json and then on disk.

        Raises:
            UserError: The folders of its tables have something that run.json doesn't name. Nothing has been removed.
        """
        self.forget(stage)
        self._save_and_delete(self._take_out(stages_from(stage)))
        self._save()

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

    # Removals

    @owning
    def begin_removed_file(self, name: str) -> None:
        """Records that a file of the table `removed` is about to be written.

        Args:
            name: The file's name.

        Raises:
            UserError: A file of the user's has this name, or that of the table's folder.
        """
        self._owned |= folder_names.require_free(self.root, self._owned, self.options)
        path = f"{folder_names.REMOVED}/{name}"
        if path not in self._unfinished:
            require_no_file(self.table(folder_names.REMOVED))
            require_no_such_file(storage.join(self.root, path), self.options)
            self._unfinished |= {path}
        self._save()

    @owning
    def begin_removal(self, files: Sequence[RemovedFile], tables: Sequence[str]) -> None:
        """Records files of the table `removed`, and tables that are rewritten and can't be read before they are.

        Args:
            files: All files of the table `removed`.
            tables: Tables that are rewritten.
        """
        self._owned |= folder_names.require_free(self.root, self._owned, self.options)
        self._removed = tuple(files)
        self._unfinished -= {f"{folder_names.REMOVED}/{file.name}" for file in files}
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
