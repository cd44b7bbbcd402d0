"""Reading inputs of a run again that couldn't be read to their end, or that have changed since (`--retry-failed`).

A part of `pairs` and `inputs` is never changed. So the files are read as new parts, the parts that tell of their
failure are written anew without them, and one replacement of run.json puts the new ones in the old ones' place: a run
that dies on the way is what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from metaclip_curate.extract.input_stats import BROKE_OFF
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.part_files import FileList, FileState, states_of
from metaclip_curate.run.record import ExtractPart
from metaclip_curate.schemas import INPUTS, PAIRS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Account = dict[str, Any]  # a row of `inputs`


@dataclass(frozen=True)
class Part:
    """A part that is written and not yet finished: its name, the rows of `inputs` in it, and its files."""

    name: str
    accounts: list[Account]
    files: FileList


def changed_inputs(folder: RunFolder) -> frozenset[str]:
    """Finds the local inputs that aren't what they were when they were read, by their sizes and times.

    A file that isn't there any more hasn't changed: nothing else could be read.
    """
    before: dict[str, FileState] = {}
    for part in folder.parts("extract"):
        files = folder.file_list("extract", part)
        before |= files.inputs if files else {}
    now = states_of(before)
    return frozenset(path for path, state in now.items() if state != before[path])


def unread(folder: RunFolder, changed: Collection[str] = ()) -> dict[str, list[Account]]:
    """Finds what another try may read more of: files that failed, or of which reading was given up, or that changed.

    Damage of a file itself is the same the next time, unless the file was changed since.

    Args:
        folder: The run folder.
        changed: From `changed_inputs`.

    Returns:
        The rows of `inputs` by part; parts without any are left out.
    """
    found = {}
    for part in sorted(folder.parts("extract")):
        rows = folder.read_small("extract", "inputs", INPUTS.names, [part]).to_pylist()
        again = [
            row
            for row in rows
            if row["status"] == "failed" or row["error"].startswith(BROKE_OFF) or row["path"] in changed
        ]
        if again:
            found[part] = again
    return found


@dataclass(frozen=True)
class Replacement:
    """Puts what was read again in the place of what was read before, for files of which there is more now.

    Attributes:
        spark: The session.
        folder: The run folder, with the stage extract begun.
        new_name: Makes names of parts.
        record: Returns the record of a part with these rows of `inputs`.
        changed: Inputs that have changed since they were read, of which the new content counts.
    """

    spark: SparkSession
    folder: RunFolder
    new_name: Callable[[], str]
    record: Callable[[Sequence[Account]], ExtractPart]
    changed: Collection[str] = ()

    def replace(self, before: Mapping[str, Sequence[Account]], read: Iterable[Part]) -> list[Account]:
        """Replaces.

        Args:
            before: What `unread` found.
            read: The same files read again.

        Returns:
            The accounts of the files that were replaced.
        """
        from metaclip_curate.stages.shared.tables import read_table

        read = list(read)
        old = {row["path"]: row for rows in before.values() for row in rows}
        better = {row["path"] for part in read for row in part.accounts if self._is_better(row, old[row["path"]])}
        rest: list[Part] = []
        for part in read:
            worse = {row["path"] for row in part.accounts} - better
            rest += self._without(part, self._pairs_written(part), worse) if worse else [part]
        gone = {name for name, rows in before.items() if any(row["path"] in better for row in rows)}
        for name in sorted(gone):
            accounts = self.folder.read_small("extract", "inputs", INPUTS.names, [name]).to_pylist()
            files = self.folder.file_list("extract", name) or FileList({})
            pairs = read_table(self.spark, self.folder.table_files("extract", "pairs", [name]), PAIRS)
            rest += self._without(Part(name, accounts, files), pairs, better)
        added = {part.name: (self.record(part.accounts), part.files) for part in rest}
        if gone:  # later stages were made from them
            self.folder.discard("match")
        self.folder.replace_parts("extract", gone, added)
        return [row for part in read for row in part.accounts if row["path"] in better]

    def _is_better(self, now: Account, before: Account) -> bool:
        if now["status"] == "failed":
            return False
        more = before["status"] == "failed" or now["bytes_read"] > before["bytes_read"]
        return bool(more or now["path"] in self.changed)

    def _pairs_written(self, part: Part) -> DataFrame:
        from metaclip_curate.stages.shared.tables import read_named

        return read_named(self.spark, self.folder.part("pairs", part.name), part.files.tables["pairs"], PAIRS)

    def _without(self, part: Part, pairs: DataFrame, paths: Collection[str]) -> list[Part]:
        """Writes a part anew without some files; nothing where nothing would be in it."""
        from pyspark.sql import functions as F

        from metaclip_curate.stages.extract import LAYOUT
        from metaclip_curate.stages.shared.tables import write_table

        rest = [row for row in part.accounts if row["path"] not in paths]
        if not rest:
            return []
        name = self.new_name()
        kept = pairs.filter(~F.col("source_file").isin(sorted(paths)))
        written = write_table(kept, LAYOUT, self.folder.part("pairs", name), self.folder.options)
        inputs = self.folder.write_small_part("inputs", name, pa.Table.from_pylist(rest, schema=INPUTS))
        states = {path: state for path, state in part.files.inputs.items() if path not in paths}
        return [Part(name, rest, FileList({"pairs": written, "inputs": inputs}, states))]
