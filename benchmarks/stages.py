"""The fixed costs of a run: processor seconds of each stage on the input that ships, which has few pairs.

One session does several runs. The first isn't warm: the JVM compiles code that runs often, and the workers start. Of
the others each stage's smallest time counts.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.cpu_time import ProcessorSeconds
from benchmarks.local_spark import local_spark, timed
from metaclip_curate.metadata.sources.starter import build_starter
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.options import Options
from metaclip_curate.run.stages import STAGES

INPUT = Path(__file__).parents[1] / "examples" / "wat"
WARM_RUNS = 3
GOAL = 3  # seconds of each stage

Costs = dict[str, ProcessorSeconds]  # by stage


def main(quick: bool = False) -> None:
    """Prints a table of stages.

    Args:
        quick: Whether to count one warm run instead of three.
    """
    with timed() as clock:
        build_starter(clock.folder / "metadata")
        clock.lap("metadata")
        started = ProcessorSeconds.now()
        with local_spark() as spark:
            session = ProcessorSeconds.now().since(started).total
            clock.lap("session")
            tracker = spark.sparkContext.statusTracker()

            def jobs() -> int:
                return len(tracker.getJobIdsForGroup(None))

            first, numbers = _run(clock.folder, jobs)
            clock.lap("first run")
            warm = [_run(clock.folder, jobs)[0] for _ in range(1 if quick else WARM_RUNS)]
            clock.lap("warm runs")
    clock.print()
    print(f"\n{'stage':<10}{'jobs':>8}{'first run':>12}{'warm':>8}{'driver':>10}{'JVM':>8}{'workers':>10}")
    for stage in first:
        best = min((costs[stage] for costs in warm), key=lambda seconds: seconds.total)
        parts = "".join(
            f"{value:>{width}.1f}" for value, width in ((best.driver, 10), (best.jvm, 8), (best.workers, 10))
        )
        print(f"{stage:<10}{numbers[stage]:>8}{first[stage].total:>12.1f}{best.total:>8.1f}{parts}")
    least = min(sum(seconds.total for seconds in costs.values()) for costs in warm)
    total = sum(seconds.total for seconds in first.values())
    print(f"{'all':<10}{sum(numbers.values()):>8}{total:>12.1f}{least:>8.1f}")
    print(f"\nprocessor seconds; starting the session took {session:.1f}; goal: at most {GOAL} of each stage when warm")


def _run(folder: Path, jobs: Callable[[], int]) -> tuple[Costs, dict[str, int]]:
    """Returns the processor seconds and the number of Spark's jobs of each stage."""
    output = folder / "out"
    options = Options(
        run=RunOptions(output=str(output)),
        extract=ExtractOptions(input=(str(INPUT),)),
        match=MatchOptions(metadata=str(folder / "metadata")),
        balance=BalanceOptions(t=20),
    )
    pipeline = Pipeline(options, log=lambda line: None)
    costs: Costs = {}
    numbers = {}
    with pipeline.owned():
        for stage in (*STAGES, "report"):
            start, jobs_before = ProcessorSeconds.now(), jobs()
            getattr(pipeline, stage)()
            costs[stage], numbers[stage] = ProcessorSeconds.now().since(start), jobs() - jobs_before
    shutil.rmtree(output)
    return costs, numbers


if __name__ == "__main__":
    main()
