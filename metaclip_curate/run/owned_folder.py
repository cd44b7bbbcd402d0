"""A run folder that this process may change: who owns it, and what in the folders of its tables is the run's.

run.json names a part before its first file is written, and a table before it is removed. So whatever it doesn't name
isn't the run's, and is neither replaced nor removed.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from metaclip_curate import storage
from metaclip_curate.run.file_list import FileList, digest
from metaclip_curate.run.own_files import FileNames, require_named, require_unused
from metaclip_curate.run.owner import RunOwner
from metaclip_curate.run.reader import RunReader
from metaclip_curate.run.record import PARTED_STAGES, RunRecord, StageRecord
from metaclip_curate.run.record_file import cannot_write
from metaclip_curate.run.stages import TABLES, stages_from
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.run_folders import LISTS


class Gone(NamedTuple):
    """What is deleted of stages' tables.

    Attributes:
        stages: The stages.
        names: Folders as run.json names them.
        folders: Paths or URLs of the folders to delete, a table's own if nothing of it stays.
        lists: Paths or URLs of the lists of files to delete.
    """

    stages: Sequence[str]
    names: set[str]
    folders: list[str]
    lists: list[str]


class OwnedFolder(RunReader):
    """What the changes of a run folder have in common.

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
        # Stages that are computed again, whose tables are on disk until the first of them begins.
        self._forgotten: dict[str, StageRecord] = {}

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
        forgotten = (folders_of(stage, _parts(stage, record)) for stage, record in self._forgotten.items())
        unfinished = self._unfinished.union(*forgotten)
        self._file.write(RunRecord(self._owned, self._stages, self._removed, self._removing, unfinished))

    def forget(self, stage: str) -> None:
        """Makes a stage and those after it be done again. Nothing is removed before the first of them begins."""
        for name in stages_from(stage):
            if name in self._stages:
                self._forgotten[name] = self._stages.pop(name)

    @contextmanager
    def temporary(self, name: str) -> Iterator[str]:
        """Makes run.json name a folder while a block writes files to it that are needed only there.

        Args:
            name: The folder's name.

        Yields:
            Path or URL of the folder, which is empty and is deleted at the end of the block.

        Raises:
            UserError: The folder has files that aren't an earlier block's.
        """
        url = storage.join(self.root, name)
        with self.owned():
            left = name in self._unfinished
            self._announce((name,))
            self._save()
            if left:
                storage.delete_folder(url, self.options)
            try:
                yield url
            finally:
                self.require_owner()
                storage.delete_folder(url, self.options)
                self._unfinished -= {name}
                self._save()

    def _announce(self, folders: Iterable[str]) -> None:
        """Names folders that are about to be written; the next save makes it last.

        Args:
            folders: Paths of the folders, relative to the run folder.

        Raises:
            UserError: One of them has something, and run.json didn't name it.
        """
        new = frozenset(folders) - self._unfinished
        for name in sorted(new):
            require_unused(storage.join(self.root, name), self.options)
        self._unfinished |= new

    def _take_out(self, stages: Sequence[str]) -> Gone:
        """Returns what is on disk of some stages' tables without being finished, and what is forgotten of them.

        Raises:
            UserError: The folders of these tables have something that run.json doesn't name.
        """
        gone = Gone(stages, set(), [], [])
        for stage in stages:
            kept, parts = self.parts(stage), set[str]()
            for table in TABLES[stage]:
                removed = self._removable(stage, table)
                require_named(self.table(table), kept, removed, self.options)
                parts |= removed.keys()
                names = {_relative(table, part) for part in removed}
                gone.names.update(names)
                whole = {table} if names and not kept else names
                gone.folders.extend(storage.join(self.root, each) for each in sorted(whole))
            self._take_out_lists(gone, stage, parts)
        return gone

    def _take_out_lists(self, gone: Gone, stage: str, parts: Collection[str]) -> None:
        lists = [self._list_url(stage, part) for part in sorted(parts)]
        if self.parts(stage):
            gone.lists.extend(lists)
            return
        folder = storage.join(self.root, LISTS, stage)
        require_named(folder, (), {"": [url.rpartition("/")[2] for url in lists]}, self.options)
        gone.folders.extend([folder] if lists else [])

    def _removable(self, stage: str, table: str) -> dict[str, FileNames]:
        """Returns the names of files that can be removed of a table, by part; of a table without parts, under ""."""
        below = (name.partition("/") for name in self._unfinished)
        removed: dict[str, FileNames] = {part: None for of_table, _, part in below if of_table == table}
        forgotten, record = self._forgotten.get(stage), self._stages.get(stage)
        if forgotten:
            removed |= {part: self._listed(stage, table, part, forgotten) for part in _parts(stage, forgotten)}
        if record and stage not in PARTED_STAGES:
            removed[""] = self._listed(stage, table, "", record)
        return removed

    def _listed(self, stage: str, table: str, part: str, record: StageRecord) -> FileNames:
        """Returns the names of a part's files by its list; None if there is no list, or a damaged one."""
        if (record.parts[part] if part else record).files_digest is None:
            return None
        try:
            listed = FileList.from_bytes(storage.read_bytes(self._list_url(stage, part), self.options))
        except (FileNotFoundError, ValueError, LookupError, TypeError, AttributeError):
            return None
        return {file.name for file in listed.tables.get(table, ())}

    def _save_and_delete(self, gone: Gone) -> None:
        """Deletes folders and lists of files that run.json names, before and until they are deleted."""
        for stage in gone.stages:
            self._forgotten.pop(stage, None)
        self._unfinished |= gone.names
        self._save()
        for folder in gone.folders:
            storage.delete_folder(folder, self.options)
        for url in gone.lists:
            storage.delete_file(url, self.options)
        self._unfinished -= gone.names

    def _write_list(self, stage: str, part: str, files: FileList | None) -> str | None:
        """Writes the list of a part's files and returns its digest; None if there is no list."""
        if files is None:
            return None
        data = files.to_bytes()
        self.require_owner()
        storage.write_bytes(self._list_url(stage, part), data, self.options)
        return digest(data)


def _parts(stage: str, record: StageRecord) -> Iterable[str]:
    """Returns the names of a stage's finished parts; of a stage whose table has no parts, an empty name."""
    return record.parts if stage in PARTED_STAGES else ("",)


def folders_of(stage: str, parts: Iterable[str]) -> frozenset[str]:
    """Returns the folders of parts in all tables of their stage, relative to the run folder."""
    return frozenset(_relative(table, part) for part in parts for table in TABLES[stage])


def _relative(table: str, part: str) -> str:
    return f"{table}/{part}" if part else table
