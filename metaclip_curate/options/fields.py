"""A dataclass field that is an option of the command line, and what every such field shares.

A field with `changes_output=False` changes how a stage runs and never what it writes, so a run folder goes on with
another value of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any

from metaclip_curate.errors import UserError

LARGEST_WHOLE = 2**63 - 1  # of Spark, Arrow and NumPy


def option(default: Any, help: str, *, changes_output: bool = True) -> Any:
    """Returns a dataclass field that is a command-line option.

    Args:
        default: Value of the field where the option isn't given.
        help: Help text of the option.
        changes_output: Whether another value changes what a stage writes. If not, a run folder goes on with any value.
    """
    return field(default=default, metadata={"help": help, "changes_output": changes_output})


def check_range(name: str, value: int, least: int, most: int = LARGEST_WHOLE) -> None:
    """Holds a whole number to its range.

    Args:
        name: The option's field.
        value: What was given.
        least: The smallest that is allowed.
        most: The largest.

    Raises:
        UserError: It is smaller or larger.
    """
    if value < least:
        raise UserError(f"{flag(name)} must be at least {least}, not {value}")
    if value > most:
        shown = "2^63 - 1" if most == LARGEST_WHOLE else most
        raise UserError(f"{flag(name)} must be at most {shown}, not {value}")


def flag(name: str) -> str:
    """The command-line name of a field."""
    return "--" + name.replace("_", "-")


def table_options(options: Any) -> dict[str, Any]:
    """The options that decide what a stage's tables hold, as JSON types."""
    return {
        item.name: list(value) if isinstance(value := getattr(options, item.name), tuple) else value
        for item in dataclasses.fields(options)
        if item.metadata.get("changes_output", True)
    }
