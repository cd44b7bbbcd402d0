"""Options from a TOML file: `tail-share = 0.06` is what `--tail-share 0.06` is on the command line."""

from __future__ import annotations

import argparse
import dataclasses
import tomllib
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import flag
from metaclip_curate.options.parser import did_you_mean
from metaclip_curate.options.toml_value import checked_value


def read_config(path: str, groups: Mapping[str, type], leave_out: Collection[str] = ()) -> dict[str, Any]:
    """Reads a configuration file.

    Args:
        path: TOML file with the options' names, without their dashes at the start.
        groups: Dataclasses of the command's options by the titles of their groups.
        leave_out: Names of fields that a file can't give.

    Returns:
        Values as a command's arguments hold them, by group and field.

    Raises:
        UserError: The file can't be read or isn't TOML, or an option in it is unknown or has another type.
    """
    known = {
        flag(item.name).removeprefix("--"): (f"{group}.{item.name}", typing.get_type_hints(options)[item.name])
        for group, options in groups.items()
        for item in dataclasses.fields(options)
        if "help" in item.metadata and item.name not in leave_out
    }
    values = {}
    for name, value in _document(path).items():
        if name not in known:
            remedy = did_you_mean(name.replace("_", "-"), known)
            raise UserError(f"{path} has {name}, which isn't an option: {remedy or '--help lists the options'}")
        destination, hint = known[name]
        values[destination] = checked_value(value, hint, f"{path}: {name}")
    return values


def merge_config(parsed: argparse.Namespace, values: Mapping[str, Any]) -> None:
    """Adds the values of a configuration file to those of the command line, which take precedence."""
    for destination, value in values.items():
        if not hasattr(parsed, destination):
            setattr(parsed, destination, value)


def _document(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise UserError(f"--config {path} can't be read ({error.strerror}): name a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"--config {path} isn't TOML: {error}") from None
