"""The run folder, and the Spark session of a local run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metaclip_curate.errors import UserError
from metaclip_curate.options.fields import option

_MASTERS = ("local", "spark://", "k8s://", "yarn")
_JAVA_MEMORY = re.compile(r"[1-9][0-9]{0,9}[kmgt]b?", re.IGNORECASE)


@dataclass(frozen=True)
class RunOptions:
    """The folder that a run writes, and the session of a local run."""

    output: str = option(
        "",
        "run folder, local or s3://, gs:// or hdfs://; a stage that is finished in it isn't repeated",
        metavar="PATH",
        required=True,
        changes_output=False,
    )
    master: str = option(
        "local[*]", "Spark master of a local run; ignored under spark-submit", metavar="URL", changes_output=False
    )
    driver_memory: str = option(
        "4g", "memory of a local run's JVM; ignored under spark-submit", metavar="SIZE", changes_output=False
    )
    verbose: bool = option(False, "show Spark's log; ignored under spark-submit", changes_output=False)

    def __post_init__(self) -> None:
        if not self.master.startswith(_MASTERS):
            raise UserError(f"--master must begin with one of {', '.join(_MASTERS)}, not {self.master}")
        if not _JAVA_MEMORY.fullmatch(self.driver_memory):
            raise UserError(f"--driver-memory must be a number and a unit, such as 4g, not {self.driver_memory}")
