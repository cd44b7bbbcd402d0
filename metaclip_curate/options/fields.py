"""Dataclass fields that are options of the command line, and the checks that all of them share.

A field with `changes_output=False` changes how a stage runs and never what it writes, so a run folder goes on with
another value of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field, fields
from typing import Any

from metaclip_curate.errors import UserError

LARGEST_WHOLE = 2**63 - 1  # of Spark, Arrow and NumPy


def option(
    default: Any,
    help: str,
    *,
    metavar: str = "",
    required: bool = False,
    changes_output: bool = True,
    former: str = "",
) -> Any:
    """Returns a dataclass field that is a command-line option.

    Args:
        default: Value of the field where the option isn't given.
        help: Help text of the option, without its default and without a period.
        metavar: Placeholder of the value in the help, such as PATH or N. Flags and choices need none.
        required: Whether the help shows the option as required. The code that uses the value checks it, since a
            configuration file can give it too.
        changes_output: Whether another value changes what a stage writes. If not, a run folder goes on with any value.
        former: Earlier name of the field, which the command line still accepts and doesn't show.
    """
    about = {"help": help, "metavar": metavar, "required": required, "changes_output": changes_output, "former": former}
    return field(default=default, metadata=about)


def argument(help: str, *, metavar: str) -> Any:
    """Returns a dataclass field that is a positional argument of the command line.

    Args:
        help: Help text of the argument.
        metavar: Placeholder of the argument in the help.
    """
    about = {"help": help, "metavar": metavar, "required": True, "changes_output": False, "positional": True}
    return field(metadata=about)


def check_range(name: str, value: float, least: float, most: float = LARGEST_WHOLE) -> None:
    """Checks that a number lies within a range.

    Args:
        name: Name of the option's field.
        value: Value of the option.
        least: Smallest allowed value.
        most: Largest allowed value.

    Raises:
        UserError: The value is smaller, larger, or no number.
    """
    require_number(name, value)
    if value < least:
        raise UserError(f"{flag(name)} must be at least {least}, not {value}")
    if value > most:
        shown = "2^63 - 1" if most == LARGEST_WHOLE else most
        raise UserError(f"{flag(name)} must be at most {shown}, not {value}")


def check_share(name: str, value: float) -> None:
    """Checks that a share lies between 0 and 1.

    Args:
        name: Name of the option's field.
        value: Value of the option.

    Raises:
        UserError: The value is below 0, above 1, or not a number.
    """
    require_number(name, value)
    if not 0 <= value <= 1:
        raise UserError(f"{flag(name)} must be a share from 0 to 1, not {value}")


def check_above_zero(name: str, value: float) -> None:
    """Checks that a number is above 0.

    Args:
        name: Name of the option's field.
        value: Value of the option.

    Raises:
        UserError: The value is 0, below 0, or not a number.
    """
    require_number(name, value)
    if not value > 0:
        raise UserError(f"{flag(name)} must be above 0, not {value}")


def check_lists(group: Any) -> None:
    """Checks that options that are lists of strings are such lists: one string is a list of its letters to Python.

    Args:
        group: A dataclass of options.

    Raises:
        UserError: One of them isn't.
    """
    for each in fields(group):
        value = getattr(group, each.name)
        if not isinstance(each.default, tuple):
            continue
        if not isinstance(value, tuple | list) or not all(isinstance(part, str) for part in value):
            raise UserError(f"{flag(each.name)} must be a list of strings, not {value!r}")


def require_number(name: str, value: Any) -> None:
    """Checks that a value is a number: the command line parses them, but Python may set any value.

    Args:
        name: Name of the option's field.
        value: Value of the option.

    Raises:
        UserError: It isn't.
    """
    if not isinstance(value, int | float):
        raise UserError(f"{flag(name)} must be a number, not {value!r}")


def flag(name: str) -> str:
    """Returns the command-line name of a field."""
    return "--" + name.replace("_", "-")


def table_options(options: Any) -> dict[str, Any]:
    """Returns the options that decide what a stage writes, as JSON types, by their fields' names."""
    return {
        item.name: list(value) if isinstance(value := getattr(options, item.name), tuple) else value
        for item in dataclasses.fields(options)
        if item.metadata.get("changes_output", True)
    }
