"""A run whose stages wait for a word on the standard input, in a process of its own: `test_executor_kill` drives it."""

from __future__ import annotations

import sys
from pathlib import Path

from metaclip_curate.options import RunOptions
from metaclip_curate.pipeline import Pipeline
from metaclip_curate.session import get_session
from tests import runs

STAGES = ("match", "count", "balance", "sample")
OPTIONS = {"t": 8, "seed": 5, "languages": ("de", "en", "ja"), "pairs_per_task": 300}
_SETTINGS = {
    # With its daemon gone, an executor has no Python process left and starts the next one through the test's gate.
    "spark.python.worker.reuse": "false",
    # Both executors take tasks at once, wherever the rows are.
    "spark.locality.wait": "0s",
    "spark.shuffle.reduceLocality.enabled": "false",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def main(output: str, metadata: str) -> None:
    """Does what follows extraction, on two executors."""
    get_session(RunOptions(master="local-cluster[2,1,1024]", driver_memory="1g"), _SETTINGS)
    pipeline = Pipeline(runs.options(Path(output), [], Path(metadata), **OPTIONS), tell=lambda line: None)
    for stage in STAGES:
        print(stage, flush=True)
        sys.stdin.readline()
        getattr(pipeline, stage)()
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
