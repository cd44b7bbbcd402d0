"""The option that every command has that prints a result."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import option


@dataclass(frozen=True)
class PrintOptions:
    """How a command prints its result."""

    json: bool = option(False, "print the result as JSON, and messages to standard error", changes_output=False)
