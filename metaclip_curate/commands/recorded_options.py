"""Options that a run folder has recorded, which a command takes unless they are given."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from metaclip_curate.errors import UserError
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.command_line import given_options
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.recipe import RECIPES
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.options.stages import STAGE_NAMES
from metaclip_curate.options.storage import StorageOptions

if TYPE_CHECKING:
    from metaclip_curate.run.folder import RunFolder

# The options that each stage records, by group.
_GROUPS: dict[str, dict[str, type]] = {
    "extract": {"extract": ExtractOptions, "pool": PoolOptions},
    "dedup": {"dedup": DedupOptions},
    "match": {"match": MatchOptions, "screens": ScreenOptions},
    "count": {},
    "balance": {"balance": BalanceOptions, "draw": DrawOptions},
    "sample": {"draw": DrawOptions, "sample": SampleOptions},
}

# Values by group and field, such as `balance.t`.
Values = MutableMapping[str, Any]


def add_recorded(command: str, given: Values) -> None:
    """Adds what the run folder of `run` or of a stage has recorded.

    That is the recipe of an earlier stage, for `count` the options of match, and with --again-from the options of the
    stages that aren't repeated.

    Args:
        command: `run` or the name of a stage.
        given: Options that were given; recorded ones are added.

    Raises:
        UserError: The run folder can't be read.
    """
    folder = _folder(given.get("run.output"), given)
    if folder is None:
        return
    if command not in ("extract", "dedup", "count"):
        _add_recipe(folder, _stages(command, given), given)
    again_from = given.get("repeat.again_from")
    kept = _stages(command, given) if again_from else ()
    for stage in kept:
        _add_options(folder.options_of(stage), _GROUPS[stage], given)
    if command == "count":
        _add_options(folder.options_of("match"), {"match": MatchOptions}, given)
    if command == "count" or "match" in kept:
        _add_metadata(folder, given)


def add_recorded_draw(given: Values) -> None:
    """Adds the number of texts per image of the recipe of the run that `--run` names."""
    folder = _folder(given.get("source.run"), given)
    name = _recipe(folder, STAGE_NAMES) if folder else None
    if name is not None:
        for item, value in RECIPES[name]["draw"].items():
            given.setdefault(f"draw.{item}", value)


def _folder(root: str | None, given: Values) -> RunFolder | None:
    from metaclip_curate.run.folder import RunFolder
    from metaclip_curate.run.folder_names import require_plain_name

    if not root:
        return None
    require_plain_name(root)
    storage = given_options(argparse.Namespace(**given), {"storage": StorageOptions})["storage"]
    return RunFolder(root, storage)


def _stages(command: str, given: Values) -> Sequence[str]:
    """Returns the stages whose records count: those up to the command's, and of `run` those that aren't repeated."""
    again_from = given.get("repeat.again_from")
    if command == "run":
        return STAGE_NAMES[: STAGE_NAMES.index(again_from)] if again_from else STAGE_NAMES
    return STAGE_NAMES[: STAGE_NAMES.index(command) + 1]


def _add_recipe(folder: RunFolder, stages: Sequence[str], given: Values) -> None:
    name = _recipe(folder, stages)
    if name is not None:
        given.setdefault("recipe.recipe", name)


def _recipe(folder: RunFolder, stages: Sequence[str]) -> str | None:
    """Returns the recipe of the last stage that has one."""
    recorded = (folder.recipe_of(stage) for stage in reversed(stages))
    return next((recipe.name for recipe in recorded if recipe), None)


def _add_options(recorded: Mapping[str, Any], groups: Mapping[str, type], given: Values) -> None:
    from metaclip_curate.run.option_changes import effective

    recorded = effective(recorded)
    for group, options in groups.items():
        for item in dataclasses.fields(options):
            if item.name in recorded:
                given.setdefault(f"{group}.{item.name}", recorded[item.name])


def _add_metadata(folder: RunFolder, given: Values) -> None:
    from metaclip_curate.run.summaries import MatchSummary

    with contextlib.suppress(UserError):  # the stage itself reports that match isn't finished
        given.setdefault("match.metadata", folder.summary(MatchSummary).metadata)
