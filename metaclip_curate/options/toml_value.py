"""Values of TOML files and the types of options: a training's recipe and a run's configuration file have both."""

from __future__ import annotations

import typing
from typing import Any

from metaclip_curate.errors import UserError
from metaclip_curate.options.command_line import value_type

_KINDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
_SEVERAL = {str: "strings", int: "whole numbers", float: "numbers"}


def checked_value(value: Any, hint: Any, name: str) -> Any:
    """Returns a value as the field of an option holds it.

    Args:
        value: Value of a TOML file.
        hint: The field's type.
        name: What the message calls the value.

    Raises:
        UserError: The value has another type.
    """
    kind = value_type(hint)
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
