"""Reading inputs of a run again that weren't read to their end, or that have changed since (`--retry-failed`).

A part of `pairs` and `inputs` is never changed. The files are read as new parts, the parts that record their failure
are written anew without them, and one replacement of run.json replaces the old parts by the new ones. A run that dies
before that has changed nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.console.wording import counted
from metaclip_curate.extract.input_stats import BROKE_OFF
from metaclip_curate.pipelines.rounds import InputRow, RoundReader, WrittenPart, first_new_part
from metaclip_curate.pipelines.workspace import Workspace
from metaclip_curate.run.file_list import FileList, FileState, states_of
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.tables import read_columns, write_part
from metaclip_curate.schemas import INPUTS
from metaclip_curate.stages.extract import copy_pairs


def changed_inputs(folder: RunFolder) -> frozenset[str]:
    """Finds the local inputs whose size or time isn't what it was when they were read.

    A file that no longer exists hasn't changed, since nothing else could be read from it.
    """
    before: dict[str, FileState] = {}
    for part in folder.parts("extract"):
        files = folder.file_list("extract", part)
        before |= files.inputs if files else {}
    now = states_of(before)
    return frozenset(path for path, state in now.items() if state != before[path])


def unread(folder: RunFolder, changed: Collection[str] = ()) -> dict[str, list[InputRow]]:
    """Finds the inputs of which another try may read more: those that failed, broke off or changed.

    Damage of a file itself is the same the next time, unless the file was changed since.

    Args:
        folder: The run folder.
        changed: Changed inputs, from `changed_inputs`.

    Returns:
        The rows of `inputs` by part, without parts that have none.
    """
    found = {}
    for part in sorted(folder.parts("extract")):
        rows = read_columns(folder, "extract", "inputs", INPUTS.names, [part]).to_pylist()
        again = [
            row
            for row in rows
            if row["status"] == "failed" or row["error"].startswith(BROKE_OFF) or row["path"] in changed
        ]
        if again:
            found[part] = again
    return found


class Rereader:
    """Reads input files again, and replaces what the run has of those that give more than before.

    Args:
        work: The run folder, with the stage extract begun.
        reader: Reads the files.
        changed: Inputs that have changed since they were read, whose new content counts.
    """

    def __init__(self, work: Workspace, reader: RoundReader, changed: Collection[str]) -> None:
        self._work = work
        self._folder = work.folder
        self._reader = reader
        self._changed = changed
        self._names = _new_names(work.folder)

    def read(self, before: Mapping[str, Sequence[InputRow]]) -> None:
        """Reads files again.

        Args:
            before: Rows of `inputs` by part, from `unread`.
        """
        paths = sorted(row["path"] for rows in before.values() for row in rows)
        if not paths:
            return
        self._work.console.log(
            f"extract: reading {counted(len(paths), 'input file')} again that failed, broke off or changed"
        )
        parts = []
        named = self._paths_by_name(before)
        rounds = self._reader.rounds(paths)
        # Each round, the rest of each, and the rest of each part with such files may become a part.
        self._folder.begin_parts("extract", itertools.islice(_new_names(self._folder), 2 * len(rounds) + len(before)))
        for of_round in rounds:
            below = {path: named[path] for path in of_round if path in named}
            parts.append(self._reader.write(next(self._names), of_round, below=below))
            for row in parts[-1].inputs:
                self._reader.log_input(row)
        replaced = self._replace(before, parts)
        self._work.console.log(f"extract: {counted(replaced, 'input file')} gave more than before")

    def _paths_by_name(self, parts: Iterable[str]) -> dict[str, str]:
        """Returns the paths by which pairs without URLs are named, which stay those of the first reading."""
        lists = (self._folder.file_list("extract", part) for part in parts)
        return {name: path for files in lists if files for name, path in files.below.items()}

    def _replace(self, before: Mapping[str, Sequence[InputRow]], read: Sequence[WrittenPart]) -> int:
        """Replaces the parts of files that gave more this time; returns the number of those files."""
        old = {row["path"]: row for rows in before.values() for row in rows}
        better = {row["path"] for part in read for row in part.inputs if self._is_better(row, old[row["path"]])}
        added: list[WrittenPart] = []
        for part in read:
            worse = {row["path"] for row in part.inputs} - better
            added += self._without(part, worse) if worse else [part]
        gone = {name for name, rows in before.items() if any(row["path"] in better for row in rows)}
        for name in sorted(gone):
            rows = read_columns(self._folder, "extract", "inputs", INPUTS.names, [name]).to_pylist()
            files = self._folder.file_list("extract", name) or FileList({})
            self._folder.table_files("extract", "pairs", [name])  # checks them
            added += self._without(WrittenPart(name, rows, files), better)
        if gone:  # later stages were computed from them
            self._folder.discard("dedup")
        self._folder.replace_parts("extract", gone, {part.name: (part.record, part.files) for part in added})
        return len(better)

    def _is_better(self, now: InputRow, before: InputRow) -> bool:
        if now["status"] == "failed":
            return False
        more = before["status"] == "failed" or now["bytes_read"] > before["bytes_read"]
        return bool(more or now["path"] in self._changed)

    def _without(self, part: WrittenPart, paths: Collection[str]) -> list[WrittenPart]:
        """Writes a part anew without some inputs; returns no part if nothing would be in it."""
        rest = [row for row in part.inputs if row["path"] not in paths]
        if not rest:
            return []
        name = next(self._names)
        origins = {file: origin for file, origin in part.files.origins.items() if origin.source_file not in paths}
        kept = [file for file in part.files.tables["pairs"] if file.name in origins]
        before = [storage.join(self._folder.part("pairs", part.name), file.name) for file in kept]
        copy_pairs(self._work.spark, before, self._folder.part("pairs", name), self._folder.options)
        inputs = write_part(self._folder, "inputs", name, pa.Table.from_pylist(rest, schema=INPUTS))
        states = {path: state for path, state in part.files.inputs.items() if path not in paths}
        below = {path: named for path, named in part.files.below.items() if path not in paths}
        return [WrittenPart(name, rest, FileList({"pairs": kept, "inputs": inputs}, states, origins, below))]


def _new_names(folder: RunFolder) -> Iterator[str]:
    return (f"{number:05d}" for number in itertools.count(first_new_part(folder)))
