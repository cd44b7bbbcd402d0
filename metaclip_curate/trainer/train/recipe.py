"""Recipes: TOML files that give a training's options other defaults.

A recipe has a table for each group of options, [data], [model], [optimization], [output], [storage], with options by
their names. What the command line gives counts more. The options that come out are written beside the checkpoints in
the same form, so that they are a recipe themselves.
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

import msgspec

from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import given_options
from metaclip_curate.options.fields import flag, table_options
from metaclip_curate.trainer.train.options import GROUPS, TrainOptions

Recipe = dict[str, dict[str, Any]]


def recipe_names() -> list[str]:
    """The recipes that ship."""
    folder = resources.files("metaclip_curate.trainer").joinpath("recipes")
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def read_recipe(name: str) -> Recipe:
    """Reads a recipe.

    Args:
        name: One of `recipe_names`, or a file.

    Returns:
        Values of options, by group and name.

    Raises:
        UserError: There is none, or it isn't TOML, or it has an option that doesn't exist or is of another type.
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
            raise UserError(f"the recipe {name} has {group}: options stand in the tables {', '.join(GROUPS)}")
        hints = typing.get_type_hints(GROUPS[group])
        for option, value in values.items():
            if option not in hints:
                raise UserError(f"the recipe {name} has {group}.{option}, which is no option: see --help")
            try:
                values[option] = msgspec.convert(value, hints[option])
            except msgspec.ValidationError as error:
                raise UserError(f"the recipe {name} has a wrong {group}.{option}: {error}") from None
    return recipe


def resolved(parsed: argparse.Namespace, recipe: Recipe) -> TrainOptions:
    """Makes the options of what the command line gave and, for the others, of a recipe.

    Raises:
        UserError: A value is out of range.
    """
    merged = {f"{group}.{name}": value for group, values in recipe.items() for name, value in values.items()}
    return TrainOptions(**given_options(argparse.Namespace(**(merged | vars(parsed))), GROUPS))


def as_toml(options: TrainOptions) -> str:
    """Writes all options as a recipe."""
    lines = []
    for group in GROUPS:
        of_group = getattr(options, group)
        lines.append(f"[{group}]")
        for item in dataclasses.fields(of_group):
            value = getattr(of_group, item.name)
            if value is not None:
                # JSON's strings, numbers, truth values and lists are TOML's.
                lines.append(f"{item.name} = {json.dumps(value, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)


def check_same(options: TrainOptions, written: Path) -> None:
    """Checks that a training goes on with the options that decide what is learned.

    Args:
        options: Those that were given now.
        written: Those that its folder has.

    Raises:
        UserError: One differs.
    """
    before = resolved(argparse.Namespace(), read_recipe(str(written)))
    for group in GROUPS:
        old, new = table_options(getattr(before, group)), table_options(getattr(options, group))
        for name, value in new.items():
            if value != old[name]:
                raise UserError(
                    f"{written} says {flag(name)} {old[name]}, not {value}: give the same to go on, or another --output"
                )
