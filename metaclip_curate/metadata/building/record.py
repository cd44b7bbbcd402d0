"""The record of a build: its finished steps, their options and sources, in `stages/build.json` of the metadata folder.

The file is replaced as a whole after the data of a step are completely written, like run.json in a run folder. A step
is a stage of one language, such as `wordnet/de`, or of all languages, `titles`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.digests import Digests
from metaclip_curate.options.fields import flag
from metaclip_curate.storage import StorageOptions

_FORMAT = 1
_NAME = "build.json"
FOLDER = "folder"  # among the summary of a step that Spark writes: name of the folder in that of the step


class BuildRecord:
    """The record of a metadata folder.

    Args:
        folder: Folder of the stages.
        options: Credentials and limits for reading and writing the folder.
        before_saving: Called before each change of the file; raises an error if the folder is another build's.

    Attributes:
        digests: Digests of the source files.

    Raises:
        UserError: The record can't be read.
    """

    def __init__(self, folder: str, options: StorageOptions, before_saving: Callable[[], None] = lambda: None) -> None:
        self._url = storage.join(folder, _NAME)
        self._options = options
        self._before_saving = before_saving
        self.reload()

    def reload(self) -> None:
        """Reads the file again, which another build may have changed.

        Raises:
            UserError: The record can't be read.
        """
        self._steps: dict[str, dict[str, Any]] = {}
        self._folders: dict[str, list[str]] = {}
        self.digests = Digests(self._options)
        if storage.exists(self._url, self._options):
            self._read()

    def _read(self) -> None:
        try:
            state = json.loads(storage.read_bytes(self._url, self._options))
            if state["format"] != _FORMAT:
                raise ValueError(f"format {state['format']}, not {_FORMAT}")
            self._steps = dict(state["steps"])
            # An earlier version named only the folders of finished steps.
            finished = {
                step: [record["summary"][FOLDER]] for step, record in self._steps.items() if FOLDER in record["summary"]
            }
            self._folders = dict(state.get("folders", finished))
            self.digests = Digests(self._options, state["digests"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self._url} can't be read ({error}): remove its folder to build anew") from error

    def steps(self) -> dict[str, dict[str, Any]]:
        """Returns the finished steps by name, with options, sources and summary."""
        return dict(self._steps)

    def reason_to_run(self, step: str, options: dict[str, Any], sources: list[list[str]]) -> str | None:
        """Returns the reason why a step must run.

        Args:
            step: Name of the step.
            options: Options of the step as JSON types.
            sources: Name and digest of each file that the step reads.

        Returns:
            None if the step is finished with these options and sources. Otherwise what changed, or an empty string if
            the step was never finished.
        """
        record = self._steps.get(step)
        if record is None:
            return ""
        for name in sorted({*record["options"], *options}):
            before, now = record["options"].get(name), options.get(name)
            if before != now:
                return f"{flag(name)} was {_shown(before)} and is {_shown(now)}"
        if record["sources"] == sources:
            return None
        before_by_name, now_by_name = dict(record["sources"]), dict(sources)
        for name in sorted({*before_by_name, *now_by_name}):
            if name not in now_by_name:
                return f"{name} is gone"
            if name not in before_by_name:
                return f"{name} is new"
            if before_by_name[name] != now_by_name[name]:
                return f"{name} changed"
        return "its files changed"  # two of the same name

    def forget(self, step: str) -> None:
        """Removes a step from the record, before its data are changed."""
        if self._steps.pop(step, None) is not None:
            self._save()

    def finish(self, step: str, options: dict[str, Any], sources: list[list[str]], summary: dict[str, Any]) -> None:
        """Records a step whose data are completely written."""
        self._steps[step] = {"options": options, "sources": sources, "summary": summary}
        self._save()

    def summary(self, step: str) -> dict[str, Any]:
        """Returns the summary of a finished step."""
        return dict(self._steps[step]["summary"])

    def options(self, step: str) -> dict[str, Any]:
        """Returns the options of a finished step; empty if it isn't finished."""
        return dict(self._steps[step]["options"]) if step in self._steps else {}

    def fingerprint(self, step: str) -> str | None:
        """Computes a digest of the options and sources of a finished step; None if it isn't finished."""
        record = self._steps.get(step)
        if record is None:
            return None
        made_from = [step, record["options"], record["sources"]]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]

    def folders(self, step: str) -> tuple[str, ...]:
        """Returns the names of the folders that were begun for a step's data and may exist."""
        return tuple(self._folders.get(step, ()))

    def record_folders(self, step: str, names: Sequence[str]) -> None:
        """Records the folders of a step's data, before one of them is written or deleted.

        Args:
            step: Name of the step.
            names: Names of the folders.
        """
        self._folders[step] = list(names)
        self._save()

    def _save(self) -> None:
        self._before_saving()
        state = {
            "format": _FORMAT,
            "steps": dict(sorted(self._steps.items())),
            "folders": dict(sorted(self._folders.items())),
            "digests": dict(sorted(self.digests.cached.items())),
        }
        data = json.dumps(state, indent=1, ensure_ascii=False).encode() + b"\n"
        storage.write_bytes(self._url, data, self._options)


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)
