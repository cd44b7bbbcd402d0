"""The numbers that a plan is computed from: what was measured, what is assumed, and what machines cost."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from metaclip_curate.errors import UserError

GIVEN = "given"


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        value: The number.
        unit: What it counts.
        kind: measured (by this project), assumed, or given (by the user).
        source: Where it comes from.
    """

    value: float
    unit: str
    kind: str
    source: str


@dataclass(frozen=True)
class Platform:
    """What one node is and costs.

    Attributes:
        node: The machine's type, or what a serverless service counts in.
        node_cores: Cores (vCPU) of a node.
        yarn_megabytes: Memory of a node that executors can have, MiB.
        node_disk_gigabytes: Disk of a node, GB.
        core_hour: Dollars that a core costs for an hour, machine, disk and service.
        spot_core_hour: The same of a spot machine.
        price_date: When the prices were so, as far as known.
        price_source: How they come about.
    """

    node: str
    node_cores: int
    yarn_megabytes: int
    node_disk_gigabytes: int
    core_hour: float
    spot_core_hour: float
    price_date: str
    price_source: str


@dataclass(frozen=True)
class Figures:
    """All numbers of a plan.

    Attributes:
        numbers: By name.
        platforms: By name.
    """

    numbers: Mapping[str, Figure]
    platforms: Mapping[str, Platform]

    def __getitem__(self, name: str) -> float:
        """The value of a number."""
        return self.numbers[name].value

    def with_values(self, changes: Iterable[str]) -> Figures:
        """Puts numbers in the place of known ones.

        Args:
            changes: NAME=VALUE each.

        Raises:
            UserError: There is no such number, or the value is none that is above 0.
        """
        numbers = dict(self.numbers)
        for change in changes:
            name, equals, text = change.partition("=")
            if name not in numbers or not equals:
                raise UserError(f"--figures {change} isn't NAME=VALUE with a name of: {', '.join(numbers)}")
            try:
                value = float(text)
            except ValueError as error:
                raise UserError(f"--figures {change}: {text} is no number") from error
            if not 0 < value < float("inf"):
                raise UserError(f"--figures {change}: give a number above 0")
            numbers[name] = replace(numbers[name], value=value, kind=GIVEN, source="--figures")
        return replace(self, numbers=numbers)


def load_figures() -> Figures:
    """Reads the numbers that ship, metaclip_curate/cluster/rates.toml."""
    text = resources.files("metaclip_curate.cluster").joinpath("rates.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    return Figures(
        {name: Figure(**entry) for name, entry in data["figures"].items()},
        {name: Platform(**entry) for name, entry in data["platforms"].items()},
    )
