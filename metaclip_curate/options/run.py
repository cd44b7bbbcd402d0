"""The run folder, and the session of a local run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

_MASTERS = ("local", "spark://", "k8s://", "yarn")
_JAVA_MEMORY = re.compile(r"[1-9][0-9]{0,9}[kmgt]b?", re.IGNORECASE)


@dataclass(frozen=True)
class RunOptions:
    """What every command takes."""

    output: str = option(
        "", "the run folder, local or s3:// or gs://; a finished stage in it is kept", changes_output=False
    )
    master: str = option("local[*]", "Spark master of a local run; ignored under spark-submit", changes_output=False)
    driver_memory: str = option("4g", "memory of a local run's JVM; ignored under spark-submit", changes_output=False)
    verbose: bool = option(False, "show what Spark logs; ignored under spark-submit", changes_output=False)

    def __post_init__(self) -> None:
        if not self.master.startswith(_MASTERS):
            raise UserError(f"--master must begin with one of {', '.join(_MASTERS)}, not {self.master}")
        if not _JAVA_MEMORY.fullmatch(self.driver_memory):
            raise UserError(f"--driver-memory must be a number and a unit, such as 4g, not {self.driver_memory}")
