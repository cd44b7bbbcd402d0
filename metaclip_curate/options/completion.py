"""The argument of `completion`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaclip_curate.options.fields import argument

Shell = Literal["bash", "zsh", "fish"]


@dataclass(frozen=True)
class CompletionOptions:
    """The shell whose completion is printed."""

    shell: Shell = argument("shell whose completion is printed", metavar="SHELL")
