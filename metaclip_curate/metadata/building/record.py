"""What of a build is finished, with which options and from what: `stages/build.json` in the metadata folder.

It is replaced as a whole after a step's data is completely written, like a run folder's run.json. A step is a stage of
one language, `wordnet/de`, or of all, `titles`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.sources.digests import Digests
from metaclip_curate.options.fields import flag
from metaclip_curate.storage import StorageOptions

_FORMAT = 1
_NAME = "build.json"


class BuildRecord:
    """The record of a metadata folder.

    Args:
        folder: The folder of the stages.
        options: How to reach it.

    Raises:
        UserError: The record can't be read.
    """

    def __init__(self, folder: str, options: StorageOptions) -> None:
        self._url = storage.join(folder, _NAME)
        self._options = options
        self._steps: dict[str, dict[str, Any]] = {}
        self.digests = Digests(options)
        if storage.exists(self._url, options):
            self._read()

    def _read(self) -> None:
        try:
            state = json.loads(storage.read_bytes(self._url, self._options))
            if state["format"] != _FORMAT:
                raise ValueError(f"format {state['format']}, not {_FORMAT}")
            self._steps = dict(state["steps"])
            self.digests = Digests(self._options, state["digests"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self._url} can't be read ({error}): remove its folder to build anew") from error

    def steps(self) -> dict[str, dict[str, Any]]:
        """The finished steps by name, with options, sources and summary."""
        return dict(self._steps)

    def why_again(self, step: str, options: dict[str, Any], sources: list[list[str]]) -> str | None:
        """Says why a step must be done.

        Args:
            step: Its name.
            options: Its options as JSON types.
            sources: Name and digest of what it reads.

        Returns:
            None when it is finished with these; otherwise what changed, empty when it never was.
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
        """Takes a step for not done, before its data is touched."""
        if self._steps.pop(step, None) is not None:
            self._save()

    def finish(self, step: str, options: dict[str, Any], sources: list[list[str]], summary: dict[str, Any]) -> None:
        """Notes that a step's data is completely written."""
        self._steps[step] = {"options": options, "sources": sources, "summary": summary}
        self._save()

    def summary(self, step: str) -> dict[str, Any]:
        """What a finished step noted about its result."""
        return dict(self._steps[step]["summary"])

    def fingerprint(self, step: str) -> str | None:
        """Names a finished step's data by what it was made from; None when it isn't finished."""
        record = self._steps.get(step)
        if record is None:
            return None
        made_from = [step, record["options"], record["sources"]]
        return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]

    def _save(self) -> None:
        state = {
            "format": _FORMAT,
            "steps": dict(sorted(self._steps.items())),
            "digests": dict(sorted(self.digests.remembered.items())),
        }
        data = json.dumps(state, indent=1, ensure_ascii=False).encode() + b"\n"
        storage.write_bytes(self._url, data, self._options)


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)
