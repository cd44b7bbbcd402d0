"""The options of a curation without a run folder."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np

from metaclip_curate.errors import UserError
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.fields import flag
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.options.toml_value import checked_value
from metaclip_curate.storage import StorageOptions

Group = TypeVar("Group", bound=Any)


@dataclass(frozen=True)
class CurateOptions:
    """The options of all stages, in groups. Those about files and tasks of a run have no effect.

    Attributes:
        pool: Names of the columns that are read.
        dedup: The language-ID model, and which language a pair counts as.
        screens: Which pairs are rejected before they are matched.
        match: The metadata and how texts are matched with it.
        balance: How thresholds are chosen.
        draw: Seed and number of texts per image.
        storage: Credentials and limits for reading the metadata.
    """

    pool: PoolOptions = field(default_factory=PoolOptions)
    dedup: DedupOptions = field(default_factory=DedupOptions)
    screens: ScreenOptions = field(default_factory=ScreenOptions)
    match: MatchOptions = field(default_factory=MatchOptions)
    balance: BalanceOptions = field(default_factory=BalanceOptions)
    draw: DrawOptions = field(default_factory=DrawOptions)
    storage: StorageOptions = field(default_factory=StorageOptions)

    @classmethod
    def of(cls, options: CurateOptions | None) -> CurateOptions:
        """Returns options, or the default ones for None.

        Raises:
            UserError: They are those of one group only.
        """
        if not isinstance(options, CurateOptions | None):
            raise UserError(
                f"options must be CurateOptions, not {type(options).__name__}: give the group as a field, such as "
                "CurateOptions(pool=PoolOptions(...))"
            )
        return options or CurateOptions()

    def given(self, metadata: str | Path, t: int | None) -> CurateOptions:
        """Returns the options with another metadata folder and, unless it is None, another t.

        Raises:
            UserError: An option has a value of another type than its own.
        """
        return CurateOptions(
            pool=_checked(self.pool),
            dedup=_checked(self.dedup),
            screens=_checked(self.screens),
            match=_checked(replace(self.match, metadata=str(metadata))),
            balance=_checked(self.balance if t is None else replace(self.balance, t=_plain(t))),
            draw=_checked(self.draw),
            storage=self.storage,
        )


def _plain(t: Any) -> Any:
    """Returns a number of NumPy, which computing a t gives, as one of Python."""
    return t.item() if isinstance(t, np.generic) else t


def _checked(group: Group) -> Group:
    """Returns options with values of their types. Those of the command line are checked when they are parsed."""
    hints = get_type_hints(type(group))
    given = {item.name: getattr(group, item.name) for item in fields(group)}
    checked = {
        name: checked_value(list(value) if isinstance(value, tuple) else value, hints[name], flag(name))
        for name, value in given.items()
        if value is not None
    }
    return replace(group, **checked)
