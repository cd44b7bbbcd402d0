"""The run folder: its tables, and run.json, which says what of them is finished.

Only what run.json names counts. It is one small object that is replaced as a whole after a table or a part of one is
completely written, which needs neither a rename nor an append and so works on object stores. What isn't named is
left over from a run that died and is removed before the stage goes on.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.options import flag
from metaclip_curate.storage import StorageOptions

STAGES = ("extract", "match", "count", "balance", "sample")
TABLES = {
    "extract": ("pairs", "inputs"),
    "match": ("matched",),
    "count": ("counts",),
    "balance": ("thresholds",),
    "sample": ("manifest",),
}
_FORMAT = 1
_STATE = "run.json"
_WORK = "_work"


class RunFolder:
    """A run folder and its state.

    Args:
        root: Path or URL of the folder.
        options: How to reach it.

    Raises:
        UserError: The folder can't be written, or its run.json is of another format.
    """

    def __init__(self, root: str, options: StorageOptions | None = None) -> None:
        self.root = root.rstrip("/") or root
        self.options = options or StorageOptions()
        self._lock = threading.Lock()
        self._state_url = storage.join(self.root, _STATE)
        self._stages: dict[str, dict[str, Any]] = {}
        if storage.exists(self._state_url, self.options):
            self._stages = self._read_state()

    def _read_state(self) -> dict[str, dict[str, Any]]:
        try:
            state = json.loads(storage.read_bytes(self._state_url, self.options))
            if state["format"] == _FORMAT:
                return dict(state["stages"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self._state_url} can't be read ({error}): give another --output") from error
        raise UserError(f"{self._state_url} is of format {state['format']}, not {_FORMAT}: give another --output")

    def _save(self) -> None:
        state = {"format": _FORMAT, "stages": {name: self._stages[name] for name in STAGES if name in self._stages}}
        try:
            self.write_small(_STATE, state)
        except OSError as error:
            raise UserError(f"can't write to {self.root} ({error.strerror or error}): give another --output") from error

    def write_small(self, name: str, value: Any) -> None:
        """Writes a JSON object beside the tables."""
        data = json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"
        storage.write_bytes(storage.join(self.root, name), data, self.options)

    def table(self, name: str) -> str:
        """Returns the folder of a table."""
        return storage.join(self.root, name)

    def part(self, table: str, part: str) -> str:
        """Returns the folder of a part of a table that is written in parts."""
        return storage.join(self.root, table, part)

    def work(self, name: str) -> str:
        """Returns a folder for what is needed only until a stage is finished."""
        return storage.join(self.root, _WORK, name)

    def parts(self, stage: str) -> dict[str, dict[str, Any]]:
        """Returns the finished parts of a stage's tables, by name, with what was noted of each."""
        return dict(self._stages.get(stage, {}).get("parts", {}))

    def table_paths(self, stage: str, table: str) -> list[str]:
        """Returns the folders that together are a finished stage's table.

        Raises:
            UserError: The stage isn't finished.
        """
        self.require(stage)
        parts = self.parts(stage)
        return [self.part(table, part) for part in sorted(parts)] if parts else [self.table(table)]

    def require(self, stage: str) -> dict[str, Any]:
        """Returns the record of a finished stage.

        Raises:
            UserError: It isn't finished, with the command that does it.
        """
        record = self._stages.get(stage)
        if record is None or not record.get("finished"):
            raise UserError(
                f"{self.root} has no finished stage {stage}: run `metaclip-curate {stage} --output {self.root}` first"
            )
        return record

    def read_small(self, stage: str, table: str, columns: list[str], parts: Sequence[str] | None = None) -> pa.Table:
        """Reads columns of the parts of a small table that are finished, without Spark.

        Args:
            stage: The stage that writes the table.
            table: A table that has parts.
            columns: The columns' names.
            parts: Only these of the finished parts (default: all).

        Returns:
            Their rows; without a finished part, a table without rows and columns.
        """
        pieces = []
        for part in sorted(self.parts(stage) if parts is None else parts):
            folder = self.part(table, part)
            for name in storage.list_folder(folder, self.options):
                if name.endswith(".parquet"):
                    data = storage.read_bytes(storage.join(folder, name), self.options)
                    pieces.append(pq.read_table(pa.BufferReader(data), columns=columns))
        return pa.concat_tables(pieces) if pieces else pa.table({})

    def write_small_part(self, table: str, part: str, rows: pa.Table) -> None:
        """Writes a part of a small table as one file, without Spark."""
        data = pa.BufferOutputStream()
        pq.write_table(rows, data, compression="zstd")
        url = storage.join(self.part(table, part), "part-00000.parquet")
        storage.write_bytes(url, data.getvalue().to_pybytes(), self.options)

    def summary(self, stage: str) -> dict[str, Any]:
        """Returns what a finished stage noted about its result."""
        return dict(self.require(stage).get("summary", {}))

    def options_of(self, stage: str) -> dict[str, Any]:
        """Returns the options a stage was started with; empty where it never was."""
        return dict(self._stages.get(stage, {}).get("options", {}))

    def fingerprint(self, stage: str) -> str:
        """Names the content of a finished stage's tables by what they were made from."""
        record = self.require(stage)
        made_from = [stage, record["options"], record["upstream"], record.get("parts", {})]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]

    def check_options(self, stage: str, options: dict[str, Any]) -> None:
        """Holds a command's options to those the stage was started with.

        Raises:
            UserError: One differs; the message names it and both values.
        """
        for name, before in self.options_of(stage).items():
            now = options.get(name)
            if now == before:
                continue
            raise UserError(
                f"{self.root} was made with {_difference(name, before, now)}: give the same, another --output, or "
                f"--again-from {stage} to do {stage} and what follows again"
            )

    def is_finished(self, stage: str, upstream: str) -> bool:
        """Tells whether a stage is finished and was made from these tables."""
        record = self._stages.get(stage)
        return bool(record and record.get("finished") and record["upstream"] == upstream)

    def begin(self, stage: str, options: dict[str, Any], upstream: str, grows: bool = False) -> None:
        """Opens a stage. Its finished parts stay where they are still right; otherwise the old result is removed.

        Args:
            stage: The stage.
            options: Its options as JSON types.
            upstream: The fingerprint of what it reads.
            grows: Whether parts stay right when what the stage reads has grown, and not only when it is the same.
        """
        self.check_options(stage, options)
        record = self._stages.get(stage)
        if record is None or (record["upstream"] != upstream and not grows):
            self.discard(stage)
            record = self._stages[stage] = {"options": options, "parts": {}}
        record["upstream"] = upstream
        record["finished"] = False
        self._save()
        storage.delete_folder(storage.join(self.root, _WORK), self.options)
        self._remove_leftovers(stage)

    def _remove_leftovers(self, stage: str) -> None:
        """Removes parts that run.json doesn't name."""
        parts = self._stages[stage]["parts"]
        for table in TABLES[stage]:
            folder = self.table(table)
            for name in storage.list_folder(folder, self.options) if parts else []:
                if name.split("/")[0] not in parts:
                    storage.delete_folder(storage.join(folder, name.split("/")[0]), self.options)
            if not parts:
                storage.delete_folder(folder, self.options)

    def discard(self, stage: str) -> None:
        """Forgets a stage and those after it, first in run.json and then on disk."""
        later = STAGES[STAGES.index(stage) :]
        if not any(name in self._stages for name in later):
            return
        for name in later:
            self._stages.pop(name, None)
        self._save()
        for name in later:
            for table in TABLES[name]:
                storage.delete_folder(self.table(table), self.options)

    def commit_part(self, stage: str, part: str, note: dict[str, Any]) -> None:
        """Notes that a part is completely written. Threads may call it."""
        with self._lock:
            self._stages[stage]["parts"][part] = note
            self._save()

    def replace_parts(self, stage: str, gone: Collection[str], added: Mapping[str, dict[str, Any]]) -> None:
        """Notes that some parts stand in the place of others, first in run.json and then on disk."""
        with self._lock:
            parts = self._stages[stage]["parts"]
            self._stages[stage]["parts"] = {name: parts[name] for name in parts if name not in gone} | dict(added)
            self._save()
        self._remove_leftovers(stage)

    def notes(self, stage: str) -> dict[str, Any]:
        """Returns what a stage noted for itself while it was under way."""
        return dict(self._stages.get(stage, {}).get("notes", {}))

    def note(self, stage: str, **notes: Any) -> None:
        """Notes something that a stage needs to go on."""
        self._stages[stage]["notes"] = self.notes(stage) | notes
        self._save()

    def finish(self, stage: str, summary: dict[str, Any]) -> None:
        """Notes that a stage is completely written."""
        # First, so that a run that dies here leaves nothing that nobody would remove any more.
        storage.delete_folder(storage.join(self.root, _WORK), self.options)
        self._stages[stage]["summary"] = summary
        self._stages[stage]["finished"] = True
        self._save()


def _difference(name: str, before: Any, now: Any) -> str:
    """Names an option and its two values; of two maps the first key that differs and its values."""
    if isinstance(before, dict) and isinstance(now, dict):
        key = next(key for key in sorted({*before, *now}) if before.get(key) != now.get(key))
        return _difference(f"{name} of {key}", before.get(key), now.get(key))
    shown = name if " " in name else flag(name)
    return f"{shown} {_shown(before)}, and the command says {_shown(now)}"


def _shown(value: Any) -> str:
    return "nothing" if value is None else ",".join(map(str, value)) if isinstance(value, list) else str(value)
