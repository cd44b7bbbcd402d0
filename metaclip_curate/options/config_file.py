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
from metaclip_curate.options.command_line import value_type
from metaclip_curate.options.fields import flag
from metaclip_curate.options.parser import did_you_mean

_KINDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
_SEVERAL = {str: "strings", int: "whole numbers", float: "numbers"}


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
        values[destination] = _checked(value, value_type(hint), f"{path}: {name}")
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


def _checked(value: Any, kind: Any, name: str) -> Any:
    """Returns a value as the field holds it, or raises a UserError that says which type it should have."""
    if typing.get_origin(kind) is typing.Literal:
        if value in typing.get_args(kind):
            return value
        raise UserError(f"{name} must be one of {', '.join(typing.get_args(kind))}, not {_shown(value)}")
    if typing.get_origin(kind) is tuple:
        part = typing.get_args(kind)[0]
        if isinstance(value, list) and all(_is(each, part) for each in value):
            return tuple(value)
        raise UserError(f"{name} must be a list of {_SEVERAL[part]} in brackets, not {_shown(value)}")
    if not _is(value, kind):
        raise UserError(f"{name} must be {_KINDS[kind]}, not {_shown(value)}")
    return float(value) if kind is float else value


def _is(value: Any, kind: type) -> bool:
    """Returns whether a TOML value has a type; Python takes true for a whole number, TOML doesn't."""
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    return "true" if value is True else "false" if value is False else repr(value)
