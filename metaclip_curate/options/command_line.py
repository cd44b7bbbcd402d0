"""Dataclasses of options as groups of command-line arguments."""

from __future__ import annotations

import argparse
import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from metaclip_curate.options.fields import LARGEST_WHOLE, check_range, flag

# Lists of paths, which may have commas in their names, and of languages: `--input A B`, `--language de --language fr`.
# Other lists are written `--t 1,2`.
_LISTS_OF_PATHS = ("input", "downloaded", "sources", "language")
_SHORT = {"number": "-n"}
_OF_ANY_SIZE = ("seed",)  # it has a range of its own


def add_options(parser: argparse.ArgumentParser, group: str, options: type, leave_out: tuple[str, ...] = ()) -> None:
    """Adds the fields of a dataclass as a group of arguments.

    Args:
        parser: The command's.
        group: The group's title, and the name under which `given_options` finds the values.
        options: A dataclass of `options.option` fields.
        leave_out: Names of fields that the command doesn't take.
    """
    section = parser.add_argument_group(group)
    hints = typing.get_type_hints(options)
    for item in dataclasses.fields(options):
        if "help" not in item.metadata or item.name in leave_out:
            continue
        names = [_SHORT[item.name]] if item.name in _SHORT else []
        section.add_argument(*names, flag(item.name), dest=f"{group}.{item.name}", **_argument(hints[item.name], item))


def _argument(hint: Any, item: dataclasses.Field[Any]) -> dict[str, Any]:
    """Says how argparse reads a field."""
    about = str(item.metadata["help"]).replace("%", "%%")
    # What isn't given is left out, so that the dataclass's default counts.
    common = {"help": about, "default": argparse.SUPPRESS}
    shown = about if item.default in ("", (), None, False) else f"{about} (default: {item.default})"
    if hint is bool:
        return common | {"action": "store_true"}
    if typing.get_origin(hint) is tuple:
        if item.name in _LISTS_OF_PATHS:
            return common | {"nargs": "+", "action": "extend", "metavar": item.name.upper()}
        return common | {"type": _comma_list(typing.get_args(hint)[0]), "metavar": "A,B"}
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return common | {"help": shown, "choices": typing.get_args(hint)}
    return common | {"help": shown, "type": hint, "metavar": hint.__name__.upper()}


def _comma_list(kind: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    def read(text: str) -> tuple[Any, ...]:
        return tuple(kind(part) for part in text.split(",") if part)

    read.__name__ = f"list of {getattr(kind, '__name__', kind)}"  # argparse names it in its message
    return read


def given_options(parsed: argparse.Namespace, groups: Mapping[str, type]) -> dict[str, Any]:
    """Makes the dataclasses of what was given.

    Args:
        parsed: The command's arguments.
        groups: Dataclasses by the names of their groups.

    Returns:
        An object of each dataclass by the name of its group.

    Raises:
        UserError: A value is out of range.
    """
    values: dict[str, dict[str, Any]] = {group: {} for group in groups}
    for name, value in vars(parsed).items():
        group, dot, item = name.partition(".")
        if dot and group in values:
            values[group][item] = tuple(value) if isinstance(value, list) else value
            if isinstance(value, int) and item not in _OF_ANY_SIZE:
                check_range(item, value, -LARGEST_WHOLE)
    return {group: groups[group](**given) for group, given in values.items()}


def to_arguments(options: Any) -> list[str]:
    """Writes an object of options as the arguments that make it; what has its default is left out.

    Args:
        options: An object of a dataclass of options.

    Returns:
        The arguments, for another process.
    """
    arguments: list[str] = []
    for item in dataclasses.fields(options):
        value = getattr(options, item.name)
        if "help" not in item.metadata or value == item.default:
            continue
        if value is True:
            arguments.append(flag(item.name))
        elif item.name in _LISTS_OF_PATHS:
            arguments += [flag(item.name), *value]
        else:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            # One word, so that a value may begin with a dash.
            arguments.append(f"{flag(item.name)}={text}")
    return arguments
