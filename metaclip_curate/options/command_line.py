"""Dataclasses of options as groups of command-line arguments."""

from __future__ import annotations

import argparse
import dataclasses
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from metaclip_curate.options.fields import LARGEST_WHOLE, check_range, flag
from metaclip_curate.options.parser import OptionParser

PATH = "PATH"  # the metavar of files, folders and URLs
_SHORT = {"number": "-n"}
_OF_ANY_SIZE = ("seed",)  # it has a range of its own
_SEPARATOR = re.compile(r"(?<!\\),")
_URL = re.compile(r"@?[a-z][a-z0-9+.-]*://|cc(?:-index)?:", re.IGNORECASE)


def add_options(
    parser: OptionParser,
    group: str,
    options: type,
    leave_out: Collection[str] = (),
    optional: Collection[str] = (),
) -> None:
    """Adds the fields of a dataclass to a parser as a group of arguments.

    Args:
        parser: Parser of the command.
        group: Name of the group, under which `given_options` finds the values. Its title has spaces for "_".
        options: Dataclass of `options.option` and `options.argument` fields.
        leave_out: Names of fields that the command doesn't take.
        optional: Names of required fields that this command doesn't require.
    """
    section = parser.add_argument_group(group.replace("_", " "))
    hints = _hints(options)
    for item in dataclasses.fields(options):
        if "help" not in item.metadata or item.name in leave_out:
            continue
        destination, about = f"{group}.{item.name}", _argument(hints[item.name], item)
        if item.metadata.get("positional"):
            parser.add_argument(destination, **about)
            continue
        names = [_SHORT[item.name]] if item.name in _SHORT else []
        required = item.metadata["required"] and item.name not in optional
        shown = f"{about['help']} (required)" if required else about["help"]
        action = section.add_argument(*names, flag(item.name), dest=destination, **about | {"help": shown})
        if required:
            parser.required.append(action)
        if item.metadata["former"]:
            hidden = about | {"help": argparse.SUPPRESS}
            section.add_argument(flag(item.metadata["former"]), dest=destination, **hidden)


@cache
def _hints(options: type) -> dict[str, Any]:
    return typing.get_type_hints(options)


def _argument(hint: Any, item: dataclasses.Field[Any]) -> dict[str, Any]:
    """Returns how argparse reads a field."""
    about, metavar = str(item.metadata["help"]), item.metadata["metavar"]
    if not any(item.default is each for each in (None, False, dataclasses.MISSING)) and item.default not in ("", ()):
        default = ",".join(map(str, item.default)) if isinstance(item.default, tuple) else item.default
        about = f"{about} (default: {default})"
    about = about.replace("%", "%%")
    kind = value_type(hint)
    choices = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else None
    if item.metadata.get("positional"):
        return {"help": about, "metavar": metavar, "choices": choices}
    # An option that isn't given stays out of the namespace, so that the dataclass's default counts.
    common = {"help": about, "default": argparse.SUPPRESS}
    if hint is bool:
        return common | {"action": "store_true"}
    if choices:
        return common | {"choices": choices}
    if typing.get_origin(kind) is tuple:
        part = _READERS[typing.get_args(kind)[0]]
        return common | {
            "type": _list_reader(part, metavar),
            "nargs": "+",
            "action": _ExtendByLists,
            "metavar": metavar,
        }
    return common | {"type": _READERS[kind], "metavar": metavar}


def value_type(hint: Any) -> Any:
    """Returns the type of a value that may be None."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


class _ExtendByLists(argparse.Action):
    """Adds the lists that follow an option to those that an earlier use of it gave."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        before = getattr(namespace, self.dest, ())
        setattr(namespace, self.dest, (*before, *(part for each in values for part in each)))


def _list_reader(read: Callable[[str], Any], metavar: str) -> Callable[[str], tuple[Any, ...]]:
    split = split_paths if metavar == PATH else split_list

    def read_list(text: str) -> tuple[Any, ...]:
        parts = split(text)
        if not parts:  # an unset variable of a shell, which mustn't count as the default
            raise argparse.ArgumentTypeError(f"{text!r} is an empty list: give a value, or leave the option out")
        return tuple(read(part) for part in parts)

    return read_list


def split_list(text: str) -> list[str]:
    r"""Splits a list at its commas; `\,` is a comma within a part."""
    return [part.replace("\\,", ",") for part in _SEPARATOR.split(text) if part]


def split_paths(text: str) -> list[str]:
    """Splits a list of paths at its commas, but for those in names.

    A file or folder that exists keeps its name. Within a URL a comma separates only if another URL follows: anything
    else may be the rest of a signature, which no message may show.
    """
    try:
        if "," in text and Path(text).exists():
            return [text]
    except (OSError, ValueError):  # no file can have the name
        pass
    paths: list[str] = []
    for part in split_list(text):
        if paths and "://" in paths[-1] and not _URL.match(part):
            paths[-1] += f",{part}"
        else:
            paths.append(part)
    return paths


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a number") from None


_READERS: dict[type, Callable[[str], Any]] = {int: _whole_number, float: _number, str: str}


def given_options(parsed: argparse.Namespace, groups: Mapping[str, type]) -> dict[str, Any]:
    """Makes dataclasses of the options that were given.

    Args:
        parsed: Arguments of the command.
        groups: Dataclasses by the titles of their groups.

    Returns:
        An object of each dataclass by the title of its group.

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


def to_arguments(options: Any, always: Collection[str] = ()) -> list[str]:
    """Writes an object of options as the arguments that make it, without those that have their default.

    Args:
        options: Object of a dataclass of options.
        always: Names of fields that are written even if they have their default.

    Returns:
        Arguments for another process.
    """
    arguments: list[str] = []
    for item in dataclasses.fields(options):
        value = getattr(options, item.name)
        if "help" not in item.metadata or (value == item.default and item.name not in always):
            continue
        if value is True:
            arguments.append(flag(item.name))
        elif item.metadata["metavar"] == PATH and isinstance(value, tuple):
            arguments += [flag(item.name), *map(_escaped, value)]
        else:
            text = ",".join(map(_escaped, value)) if isinstance(value, tuple) else str(value)
            # One word, so that a value may begin with a dash.
            arguments.append(f"{flag(item.name)}={text}")
    return arguments


def _escaped(part: Any) -> str:
    return str(part).replace(",", "\\,")
