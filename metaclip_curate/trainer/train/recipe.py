"""Recipes: TOML files that give the options of a training other defaults.

A recipe has a table for each group of options, [data], [model], [optimization], [output] and [storage], with options by
their names. The command line takes precedence. The resulting options are written beside the checkpoints in the same
format, so that they are a recipe themselves.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tomllib
import typing
from importlib import resources
from pathlib import Path
from typing import Any

from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import given_options
from metaclip_curate.options.fields import flag, table_options
from metaclip_curate.options.toml_value import checked_value
from metaclip_curate.trainer.train.options import GROUPS, TrainOptions

Recipe = dict[str, dict[str, Any]]
# In recipes and in folders of trainings that were begun with an earlier version.
_FORMER_NAMES = {"lanes": "streams"}
# Paths and numbers of processes may differ from node to node.
_OF_A_RANK = ("data", "run", "manifest", "output", "workers", "prefetch")


def recipe_names() -> list[str]:
    """Lists the names of the recipes in the package."""
    folder = resources.files("metaclip_curate.trainer").joinpath("recipes")
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def read_recipe(name: str) -> Recipe:
    """Reads a recipe.

    Args:
        name: Name from `recipe_names`, or a file.

    Returns:
        Values of options by group and name.

    Raises:
        UserError: There is no such recipe, it isn't TOML, or it has an unknown option or one of the wrong type.
    """
    if name in recipe_names():
        text = resources.files("metaclip_curate.trainer").joinpath("recipes", f"{name}.toml").read_text("utf-8")
    elif Path(name).is_file():
        text = Path(name).read_text("utf-8")
    else:
        raise UserError(f"there is no recipe {name}: name a TOML file or one of {', '.join(recipe_names())}")
    try:
        recipe = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"the recipe {name} isn't TOML: {error}") from None
    for group, values in recipe.items():
        if group not in GROUPS or not isinstance(values, dict):
            raise UserError(f"the recipe {name} has {group}: options belong into the tables {', '.join(GROUPS)}")
        hints = typing.get_type_hints(GROUPS[group])
        for option, value in _renamed(values).items():
            if option not in hints:
                raise UserError(f"the recipe {name} has {group}.{option}, which isn't an option: see --help")
            values[option] = checked_value(value, hints[option], f"the recipe {name}: {group}.{option}")
    return recipe


def _renamed(values: dict[str, Any]) -> dict[str, Any]:
    """Gives options their present names in place and returns a copy to iterate over."""
    for former, present in _FORMER_NAMES.items():
        if former in values:
            values[present] = values.pop(former)
    return dict(values)


def resolved(parsed: argparse.Namespace, recipe: Recipe) -> TrainOptions:
    """Combines the command line with a recipe, which supplies the options that the command line doesn't give.

    Args:
        parsed: The parsed command line.
        recipe: Values by group and name.

    Raises:
        UserError: A value is out of range.
    """
    merged = {f"{group}.{name}": value for group, values in recipe.items() for name, value in values.items()}
    return TrainOptions(**given_options(argparse.Namespace(**(merged | vars(parsed))), GROUPS))


def as_toml(options: TrainOptions) -> str:
    """Formats all options as a recipe."""
    lines = []
    for group in GROUPS:
        of_group = getattr(options, group)
        lines.append(f"[{group}]")
        for item in dataclasses.fields(of_group):
            value = getattr(of_group, item.name)
            if value is not None:
                # Strings, numbers, booleans and lists of JSON are valid TOML.
                lines.append(f"{item.name} = {json.dumps(value, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)


def comparable(options: TrainOptions) -> dict[str, Any]:
    """Returns the options that all ranks must have alike, by what a message calls them."""
    return {
        flag(item.name): getattr(getattr(options, group), item.name)
        for group in GROUPS
        if group != "storage"
        for item in dataclasses.fields(getattr(options, group))
        if item.name not in _OF_A_RANK
    }


def check_same(options: TrainOptions, written: Path) -> None:
    """Checks that a training is resumed with the same options, as far as they change what it learns.

    Args:
        options: Options of this command.
        written: The file in the training's folder with the options of the first command.

    Raises:
        UserError: An option differs, or the file is missing.
    """
    if not written.is_file():
        raise UserError(f"{written} is missing beside checkpoints: restore it from a copy, or give another --output")
    before = resolved(argparse.Namespace(), read_recipe(str(written)))
    for group in GROUPS:
        old, new = table_options(getattr(before, group)), table_options(getattr(options, group))
        for name, value in new.items():
            if value != old[name]:
                raise UserError(
                    f"{written} has {flag(name)} {old[name]}, not {value}: give the same to go on, or another --output"
                )
