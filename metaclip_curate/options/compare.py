"""The arguments of `compare`."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.options.fields import argument


@dataclass(frozen=True)
class CompareOptions:
    """The two runs that are compared."""

    before: str = argument("folder of a finished run", metavar="RUN1")
    after: str = argument("folder of another finished run", metavar="RUN2")
