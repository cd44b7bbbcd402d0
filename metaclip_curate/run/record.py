"""run.json as frozen dataclasses: the options, inputs, parts and result of each stage of a run.

Only `run_to_bytes` and `run_from_bytes` know the JSON. Attributes that are None aren't written.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from metaclip_curate.errors import UserError
from metaclip_curate.run.file_list import digest
from metaclip_curate.run.summaries import SUMMARIES, Summary

_FORMAT = 2
_DAMAGED = "put a whole copy in its place, or name another folder, since the tables can't be read without run.json"


@dataclass(frozen=True, kw_only=True)
class ExtractPart:
    """A finished part of `pairs` and `inputs`.

    Attributes:
        files: Number of input files that it was read from.
        digest: SHA-256 of their paths, sizes and numbers of pairs.
        files_digest: SHA-256 of the list of its Parquet files; None before the list is written.
    """

    files: int
    digest: str = ""
    files_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class DedupPart:
    """A finished part of `distinct`.

    Attributes:
        pairs: Number of pairs that were read.
        labels: Number of distinct pairs by the language label that they count as.
        files_digest: SHA-256 of the list of its Parquet files; None before the list is written.
    """

    pairs: int
    labels: Mapping[str, int]
    files_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class MatchCounts:
    """What matching did with a part's pairs of one language.

    Attributes:
        distinct: Number of pairs that were read.
        matched: Number of those with at least one entry.
        occurrences: Number of entries in the matched texts, each counted once per text.
        screened: Number of pairs that screens rejected, by reason.
    """

    distinct: int
    matched: int
    occurrences: int = 0
    screened: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MatchPart:
    """A finished part of `matched`.

    Attributes:
        languages: Counts by metadata language.
        policy_rules: Number of pairs that were rejected for their host's policy, by rule.
        files_digest: SHA-256 of the list of its Parquet files; None before the list is written.
    """

    languages: Mapping[str, MatchCounts]
    policy_rules: Mapping[str, int] = field(default_factory=dict)
    files_digest: str | None = None


PartRecord = ExtractPart | DedupPart | MatchPart
_PARTS: Mapping[str, type[PartRecord]] = {"extract": ExtractPart, "dedup": DedupPart, "match": MatchPart}
PARTED_STAGES = frozenset(_PARTS)  # whose tables are written in parts


@dataclass(frozen=True)
class Generation:
    """Parts of `pairs` that were deduplicated together, against those of earlier generations.

    Attributes:
        pairs: Names of the parts.
        passes: Number of dedup passes.
    """

    pairs: tuple[str, ...]
    passes: int


@dataclass(frozen=True)
class RecipeRecord:
    """The recipe that a stage was started with.

    Attributes:
        name: Its name.
        overridden: Options of the stage that were given and differ from the recipe's.
    """

    name: str
    overridden: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    """What run.json keeps of a stage.

    Attributes:
        options: The options that it was started with, as JSON types.
        recipe: The recipe from which some of the options come; None without one.
        parts: Its finished parts by name; empty for a table without parts.
        upstream: Fingerprint of the tables that it reads.
        finished: Whether its tables are complete.
        generations: Of dedup, the generations that were begun; None before the first.
        files_digest: SHA-256 of the list of a table's files; None for a table in parts.
        summary: Its result when it was last finished; None before that.
    """

    options: Mapping[str, Any]
    recipe: RecipeRecord | None = None
    parts: Mapping[str, PartRecord] = field(default_factory=dict)
    upstream: str = ""
    finished: bool = False
    generations: tuple[Generation, ...] | None = None
    files_digest: str | None = None
    summary: Summary | None = None


@dataclass(frozen=True)
class RemovedFile:
    """A file of the table `removed`.

    Attributes:
        name: Its name.
        rows: Number of its rows.
        sha256: SHA-256 of its content, 64 hex digits.
    """

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class RunRecord:
    """The content of run.json.

    Attributes:
        owns: Names in the run folder that the run has taken.
        stages: Records of the stages that were begun.
        removed: Files of the table `removed`.
        removing: Tables that are being rewritten without what was removed; empty unless that was interrupted.
        unfinished: Folders, relative to the run folder, that are being written or removed: parts that were begun and
            aren't finished, what is left of tables that are computed again, and temporary files of a stage or report.
            Of the table `removed`, the file that is being written.
    """

    owns: frozenset[str] = frozenset()
    stages: Mapping[str, StageRecord] = field(default_factory=dict)
    removed: tuple[RemovedFile, ...] = ()
    removing: tuple[str, ...] = ()
    unfinished: frozenset[str] = frozenset()


def to_json(value: Any) -> Any:
    """Returns a record as JSON types, without the attributes that are None."""
    if dataclasses.is_dataclass(value):
        pairs = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
        return {name: to_json(content) for name, content in pairs if content is not None}
    if isinstance(value, Mapping):
        return {name: to_json(content) for name, content in value.items()}
    return [to_json(each) for each in value] if isinstance(value, (tuple, list)) else value


def run_to_bytes(run: RunRecord) -> bytes:
    """Writes run.json: the stages in their order, and a digest of all."""
    state = {
        "format": _FORMAT,
        "owns": sorted(run.owns),
        "unfinished": sorted(run.unfinished),
        "stages": {name: to_json(run.stages[name]) for name in SUMMARIES if name in run.stages},
    }
    if run.removed:
        state |= {"removed": to_json(run.removed), "removing": list(run.removing)}
    return json_bytes({**state, "digest": digest(json_bytes(state))})


def run_from_bytes(data: bytes, url: str) -> RunRecord:
    """Reads run.json.

    Args:
        data: Its content.
        url: Its path or URL, for messages.

    Raises:
        UserError: It is damaged, was changed, or holds something that this version doesn't know.
    """
    try:
        state = json.loads(data)
        found, written = state["format"], state.pop("digest", "")
        stages, owns = (dict(state["stages"]), frozenset(state["owns"])) if found == _FORMAT else ({}, frozenset())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{url} is damaged: {_DAMAGED}") from error
    if found == 1:
        raise UserError(
            f"{url} was written by a version that had no stage dedup (format 1): name another folder, or go on with "
            "that version"
        )
    if isinstance(found, int) and found > _FORMAT:
        raise UserError(
            f"{url} was written by a newer version of metaclip-curate (format {found}, and this version reads "
            f"{_FORMAT}): update metaclip-curate, or name another folder"
        )
    if found != _FORMAT:
        raise UserError(f"{url} is of format {found}, not {_FORMAT}: name another folder")
    if written != digest(json_bytes(state)):
        raise UserError(f"{url} was changed after the run wrote it: {_DAMAGED}")
    try:
        return RunRecord(
            owns=owns,
            stages={name: _stage_from_json(name, stage) for name, stage in stages.items()},
            removed=msgspec.convert(state.get("removed", []), tuple[RemovedFile, ...]),
            removing=tuple(state.get("removing", [])),
            unfinished=frozenset(state.get("unfinished", [])),  # an earlier version didn't record it
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{url} has a record that this version of metaclip-curate can't read ({error}): go on with the version "
            "that wrote it, or name another folder"
        ) from error


def _stage_from_json(name: str, found: dict[str, Any]) -> StageRecord:
    summary, generations = found.get("summary"), found.get("generations")
    stage = StageRecord(
        options=found["options"],
        recipe=msgspec.convert(found["recipe"], RecipeRecord) if found.get("recipe") else None,
        parts={part: msgspec.convert(record, _PARTS[name]) for part, record in found["parts"].items()},
        upstream=found["upstream"],
        finished=bool(found.get("finished")),
        generations=None if generations is None else msgspec.convert(generations, tuple[Generation, ...]),
        files_digest=found.get("files_digest"),
        summary=None if summary is None else msgspec.convert(summary, SUMMARIES[name]),
    )
    _require_known(found, to_json(stage), f"stage {name}")
    return stage


def _require_known(found: Any, kept: Any, where: str) -> None:
    """Raises ValueError if JSON holds a key that the record made from it doesn't keep, which saving would lose."""
    if isinstance(found, dict):
        for name, value in found.items():
            if value is None:
                continue
            if name not in kept:
                raise ValueError(f"unknown key {name} in {where}")
            _require_known(value, kept[name], f"{name} of {where}")
    elif isinstance(found, list):
        for value, other in zip(found, kept, strict=True):
            _require_known(value, other, where)


def json_bytes(value: Any) -> bytes:
    """Returns JSON as a run folder's files have it."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"
