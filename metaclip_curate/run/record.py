"""run.json as frozen dataclasses: the options, inputs, parts and result of each stage of a run.

Only `run_to_bytes` and `run_from_bytes` know the JSON. Attributes that are None aren't written. Older versions wrote
the same format with fewer keys; what is missing in their files is None or 0 here.
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

_FORMAT = 1
_DAMAGED = "put a whole copy in its place, without which the tables can't be used, or name another folder"


@dataclass(frozen=True, kw_only=True)
class ExtractPart:
    """A finished part of `pairs` and `inputs`.

    Attributes:
        files: Number of input files that it was read from.
        digest: SHA-256 of their paths, sizes and numbers of pairs; None in the oldest runs.
        paths_digest: SHA-256 of their paths, in the oldest runs; None in others.
        files_digest: SHA-256 of the list of its Parquet files; None in runs of versions that kept no lists.
    """

    files: int
    digest: str | None = None
    paths_digest: str | None = None
    files_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class MatchCounts:
    """What matching did with a part's pairs of one language.

    Attributes:
        pairs: Number of pairs that were read; None in runs of versions that didn't count them.
        distinct: Number of unique pairs.
        matched: Number of unique pairs with at least one entry.
        occurrences: Number of entries in the matched texts, each counted once per text; None as above.
        superseding: Number of unique pairs that precede the known row of their uid; None as above.
    """

    pairs: int | None = None
    distinct: int
    matched: int
    occurrences: int | None = None
    superseding: int | None = None


@dataclass(frozen=True, kw_only=True)
class MatchPart:
    """A finished part of `matched`.

    Attributes:
        languages: Counts by metadata language.
        listed: Whether run.json has the counts as lists, as older versions wrote them.
        files_digest: SHA-256 of the list of its Parquet files; None in runs of versions that kept no lists.
    """

    languages: Mapping[str, MatchCounts]
    listed: bool = False
    files_digest: str | None = None


PartRecord = ExtractPart | MatchPart


@dataclass(frozen=True)
class Generation:
    """Parts of `pairs` that were matched together, against those of earlier generations.

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
        generations: Of match, the generations that were begun; None before the first.
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
class RunRecord:
    """The content of run.json.

    Attributes:
        owns: Names in the run folder that the run has taken; None in runs of versions that recorded none.
        stages: Records of the stages that were begun.
    """

    owns: frozenset[str] | None = None
    stages: Mapping[str, StageRecord] = field(default_factory=dict)


def to_json(value: Any) -> Any:
    """Returns a record as JSON types, without the attributes that are None."""
    if isinstance(value, StageRecord):
        return _stage_to_json(value)
    if isinstance(value, MatchPart) and value.listed:
        listed = {language: list(to_json(counts).values()) for language, counts in value.languages.items()}
        return listed if value.files_digest is None else {**listed, "files_digest": value.files_digest}
    if dataclasses.is_dataclass(value):
        pairs = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value) if each.name != "listed")
        return {name: to_json(content) for name, content in pairs if content is not None}
    if isinstance(value, Mapping):
        return {name: to_json(content) for name, content in value.items()}
    return [to_json(each) for each in value] if isinstance(value, (tuple, list)) else value


def _stage_to_json(stage: StageRecord) -> dict[str, Any]:
    written = {
        "options": stage.options,
        "recipe": stage.recipe,
        "parts": stage.parts,
        "upstream": stage.upstream,
        "finished": stage.finished,
        "notes": None if stage.generations is None else {"generations": stage.generations},
        "files_digest": stage.files_digest,
        "summary": stage.summary,
    }
    return {name: to_json(value) for name, value in written.items() if value is not None}


def run_to_bytes(run: RunRecord) -> bytes:
    """Writes run.json: the stages in their order, and a digest of all."""
    state = {
        "format": _FORMAT,
        "owns": sorted(run.owns or ()),
        "stages": {name: to_json(run.stages[name]) for name in SUMMARIES if name in run.stages},
    }
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
        stages, owns = dict(state["stages"]) if found == _FORMAT else {}, state.get("owns")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{url} is damaged: {_DAMAGED}") from error
    if found != _FORMAT:
        raise UserError(f"{url} is of format {found}, not {_FORMAT}: name another folder")
    if written and written != digest(json_bytes(state)):  # the oldest runs have no digest
        raise UserError(f"{url} was changed after the run wrote it: {_DAMAGED}")
    try:
        return RunRecord(
            owns=None if owns is None else frozenset(owns),
            stages={name: _stage_from_json(name, stage) for name, stage in stages.items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{url} has a record that this version of metaclip-curate can't read ({error}): go on with the version "
            "that wrote it, or name another folder"
        ) from error


def _stage_from_json(name: str, found: dict[str, Any]) -> StageRecord:
    summary, notes = found.get("summary"), found.get("notes")
    stage = StageRecord(
        options=found["options"],
        recipe=msgspec.convert(found["recipe"], RecipeRecord) if found.get("recipe") else None,
        parts={part: _part_from_json(name, noted) for part, noted in found.get("parts", {}).items()},
        upstream=found["upstream"],
        finished=bool(found.get("finished")),
        generations=msgspec.convert(notes["generations"], tuple[Generation, ...]) if notes else None,
        files_digest=found.get("files_digest"),
        summary=None if summary is None else msgspec.convert(summary, SUMMARIES[name]),
    )
    _require_known(found, to_json(stage), f"stage {name}")
    return stage


def _part_from_json(stage: str, found: dict[str, Any]) -> PartRecord:
    if stage == "extract":
        return msgspec.convert(found, ExtractPart)
    if "languages" in found:
        return msgspec.convert(found, MatchPart)
    names = ("distinct", "matched", "occurrences")
    lists = {language: numbers for language, numbers in found.items() if language != "files_digest"}
    counts = {language: dict(zip(names, numbers, strict=False)) for language, numbers in lists.items()}
    return MatchPart(
        languages=msgspec.convert(counts, dict[str, MatchCounts]), listed=True, files_digest=found.get("files_digest")
    )


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
