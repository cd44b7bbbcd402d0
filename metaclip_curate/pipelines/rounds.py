"""Extraction in rounds: each reads some input files and commits one part of `pairs` and `inputs`.

A run that dies loses at most the rounds in flight.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.console.file_reports import FileReport, Reports, reports_file
from metaclip_curate.console.progress import FileProgress, file_line
from metaclip_curate.extract import ReadOptions
from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.pool_inputs import PoolInputs
from metaclip_curate.pipelines.workspace import Workspace
from metaclip_curate.run.file_list import FileList, states_of
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import ExtractPart
from metaclip_curate.run.selections import Selections
from metaclip_curate.run.summaries import ExtractSummary
from metaclip_curate.run.tables import read_columns, write_part
from metaclip_curate.schemas import INPUTS
from metaclip_curate.stages.extract import write_pairs
from metaclip_curate.stages.extract_task import ExtractTask
from metaclip_curate.storage import Inputs

InputRow = dict[str, Any]  # a row of `inputs`

_STATUSES = ("ok", "partial", "failed")
_SUMMED = [column.name for column in INPUTS if pa.types.is_int64(column.type)]
# Two, so that the next round takes the cores that the last files of one no longer need.
_ROUNDS_IN_FLIGHT = 2
_SMALLEST_ROUND, _LARGEST_ROUND, _ROUNDS = 8, 1000, 50
_STATUS_SECONDS = 1.0


@dataclass(frozen=True)
class WrittenPart:
    """A part of `pairs` and `inputs` that is written and not committed.

    Attributes:
        name: The part's name.
        inputs: Its rows of `inputs`.
        files: Its Parquet files, and the state of its input files before they were read.
    """

    name: str
    inputs: list[InputRow]
    files: FileList

    @property
    def record(self) -> ExtractPart:
        """What run.json keeps of the part."""
        read = sorted([row["path"], row["bytes_read"], row["pairs"]] for row in self.inputs)
        return ExtractPart(files=len(self.inputs), digest=hashlib.sha256(json.dumps(read).encode()).hexdigest())


_Round = tuple[str, Sequence[str]]  # name of the part and input files of a round
_Read = tuple[list[InputRow], _Round | None]


class _Waiting:
    """The rounds that aren't begun, which several threads take from.

    Args:
        rounds: The rounds in their order.
    """

    def __init__(self, rounds: Iterable[_Round]) -> None:
        self._rounds = iter(rounds)
        self._lock = threading.Lock()

    def next(self) -> _Round | None:
        """Returns the next round; None after the last."""
        with self._lock:
            return next(self._rounds, None)


class RoundReader:
    """Reads input files in rounds.

    Args:
        work: The run folder, with the stage extract begun before anything is read.
        options: How files are read, and how many in a round.
        inputs: The input files of the command.
        pools: The pools among them.
    """

    def __init__(self, work: Workspace, options: Options, inputs: Inputs, pools: PoolInputs) -> None:
        self._work = work
        self._options = options.extract
        self._columns = options.pool
        self._inputs = inputs
        self._selections = Selections(work.folder)
        self._pools = pools

    def rounds(self, paths: Sequence[str]) -> list[Sequence[str]]:
        """Divides input files into rounds."""
        size = min(_LARGEST_ROUND, max(_SMALLEST_ROUND, -(-len(paths) // _ROUNDS)))
        size = self._options.files_per_round or size
        return [paths[start : start + size] for start in range(0, len(paths), size)]

    def read(self, paths: Sequence[str]) -> None:
        """Reads input files and commits the part of each round."""
        if not paths:
            return
        first = first_new_part(self._work.folder)
        numbered = enumerate(self.rounds(paths), first)
        waiting = _Waiting([(f"{number:05d}", of_round) for number, of_round in numbered])
        self._work.spark  # noqa: B018 (its start isn't part of the rate)
        progress = FileProgress(len(paths))
        with reports_file() as file, ThreadPoolExecutor(_ROUNDS_IN_FLIGHT) as pool:

            def start(each: _Round) -> Future[_Read]:
                return pool.submit(self._read_round, *each, str(file), waiting)

            begun = [each for _ in range(_ROUNDS_IN_FLIGHT) if (each := waiting.next())]
            self._work.folder.begin_parts("extract", [name for name, _ in begun])
            try:
                self._follow(start, begun, Reports(file), progress)
            finally:
                self._work.console.status("")
        self._work.console.log(f"extract: {progress}")

    def _follow(
        self,
        start: Callable[[_Round], Future[_Read]],
        begun: Sequence[_Round],
        reports: Reports,
        progress: FileProgress,
    ) -> None:
        """Starts rounds, and shows how far they are until the last has ended; raises what one of them raises."""
        pending = {start(each) for each in begun}
        while pending:
            done, pending = wait(pending, _STATUS_SECONDS, FIRST_COMPLETED)
            for report in reports.new():
                progress.add(report)
            for inputs, following in (future.result() for future in done):
                if following:
                    pending.add(start(following))
                for row in inputs:
                    progress.add(FileReport(row["path"], row["pairs"], finished=True))
                    self.log_input(row)
            self._work.console.status(f"extract: {progress}")

    def _read_round(self, name: str, paths: Sequence[str], reports: str, waiting: _Waiting) -> _Read:
        """Reads a round and commits its part; returns its rows of `inputs`, and the round that is to follow."""
        part = self.write(name, paths, reports)
        # The save that commits a part also records the next one, which costs no save of its own.
        following = waiting.next()
        names = [following[0]] if following else []
        self._work.folder.commit_part("extract", part.name, part.record, part.files, names)
        return part.inputs, following

    def write(
        self, name: str, paths: Sequence[str], reports: str = "", below: Mapping[str, str] | None = None
    ) -> WrittenPart:
        """Reads the input files of a round and writes a part, which isn't committed.

        Args:
            name: The part's name.
            paths: The input files.
            reports: The file by which workers report their progress; empty for none.
            below: Paths by which pairs without URLs are named, of files that were read before.
        """
        options, folder = self._options, self._work.folder
        read = ReadOptions(
            options.ignore_opt_out, options.max_record_bytes, pool=self._columns, kept=folder.kept_columns()
        )
        selected = self._selections.of(paths)
        task = ExtractTask(read, folder.options, self._inputs.of(paths), reports, selected)
        # Taken before the files are read, so that a change from now on shows.
        states = states_of(paths)
        named = self._pools.below(paths) | dict(below or {})
        found = write_pairs(self._work.spark, self._pools.parts(paths, named), task, folder.part("pairs", name))
        inputs = write_part(folder, "inputs", name, pa.Table.from_pylist(found.inputs, schema=INPUTS))
        files = FileList({"pairs": found.files, "inputs": inputs}, states, found.origins, named)
        return WrittenPart(name, found.inputs, files)

    def log_input(self, row: InputRow) -> None:
        """Logs how reading an input file went."""
        self._work.console.log(
            "extract: " + file_line(row["path"], row["status"], row["error"], row["pairs"], row["seconds"])
        )


def first_new_part(folder: RunFolder) -> int:
    """Returns the smallest number above those of all parts; rounds end in any order, so that there may be gaps."""
    return 1 + max(map(int, folder.parts("extract")), default=-1)


def inputs_read(folder: RunFolder) -> set[str]:
    """Returns the names of the input files in the finished parts."""
    read = read_columns(folder, "extract", "inputs", ["path"], sorted(folder.parts("extract")))
    return set(read.column("path").to_pylist()) if read.num_rows else set()


def summarize_inputs(folder: RunFolder) -> ExtractSummary:
    """Adds up the table `inputs`."""
    inputs = read_columns(folder, "extract", "inputs", ["status", *_SUMMED])
    found = inputs.column("status").to_pylist()
    sums = {name: pc.sum(inputs.column(name)).as_py() for name in _SUMMED}
    return ExtractSummary(files=len(found), **{status: found.count(status) for status in _STATUSES}, **sums)
