"""The names of a run's stages, in their order, and the option that repeats some of them."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Literal

from metaclip_curate.options.fields import option

StageName = Literal["extract", "dedup", "match", "count", "balance", "sample"]
STAGE_NAMES: tuple[StageName, ...] = typing.get_args(StageName)


@dataclass(frozen=True)
class RepeatOptions:
    """Stages that are repeated."""

    again_from: StageName | None = option(
        None,
        "discard this stage and those after it, and run them again; without --input, the stages before it must be "
        "finished and stay as they are; with it, new inputs are read first",
        changes_output=False,
    )
