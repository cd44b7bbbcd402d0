"""The rates that a plan is computed from: measured and assumed numbers, and the prices of machines."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from metaclip_curate.errors import UserError

GIVEN = "given"


@dataclass(frozen=True)
class Rate:
    """One number with its source.

    Attributes:
        value: The number.
        unit: Its unit.
        kind: measured (by this project), assumed, or given (by the user).
        source: The measurement, document or guess behind it.
    """

    value: float
    unit: str
    kind: str
    source: str


@dataclass(frozen=True)
class Platform:
    """The nodes of a platform and their price.

    Attributes:
        node: Machine type, or the unit in which a serverless service allocates.
        node_cores: Number of cores (vCPU) of a node.
        yarn_megabytes: Memory of a node that executors can use, MiB.
        node_disk_gigabytes: Disk of a node, GB.
        core_hour: Dollars per core and hour for machine, disk and service.
        spot_core_hour: Dollars per core and hour on a spot machine.
        price_date: Month of the prices.
        price_source: How the prices are composed.
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
class Rates:
    """All rates of a plan.

    Attributes:
        numbers: Rates by name.
        platforms: Platforms by name.
    """

    numbers: Mapping[str, Rate]
    platforms: Mapping[str, Platform]

    def __getitem__(self, name: str) -> float:
        """Returns the value of a rate."""
        return self.numbers[name].value

    def with_values(self, changes: Iterable[str]) -> Rates:
        """Replaces the values of some rates.

        Args:
            changes: Replacements of the form NAME=VALUE.

        Raises:
            UserError: There is no such rate, or the value isn't a number above 0.
        """
        numbers = dict(self.numbers)
        for change in changes:
            name, equals, text = change.partition("=")
            if name not in numbers or not equals:
                raise UserError(f"--rates {change} isn't NAME=VALUE with a name of: {', '.join(numbers)}")
            try:
                value = float(text)
            except ValueError as error:
                raise UserError(f"--rates {change}: {text} isn't a number") from error
            if not 0 < value < float("inf"):
                raise UserError(f"--rates {change}: give a number above 0")
            numbers[name] = replace(numbers[name], value=value, kind=GIVEN, source="--rates")
        return replace(self, numbers=numbers)


def load_rates() -> Rates:
    """Reads metaclip_curate/cluster/rates.toml."""
    text = resources.files("metaclip_curate.cluster").joinpath("rates.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    return Rates(
        {name: Rate(**entry) for name, entry in data["rates"].items()},
        {name: Platform(**entry) for name, entry in data["platforms"].items()},
    )
