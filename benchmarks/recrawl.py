"""Cost of a recrawl: four crawls with the same pages, so that three quarters of all pairs repeat.

Four made WATs of 600 MB unpacked stand under the names of four crawls each, as copies, since of links to one file only
the first would be read. Each stage up
to the matching is the command that a user would give, so that the start of its session counts. Processor seconds are
those of the command and everything that it started; shuffled bytes come from Spark's event log. A second table has the
four files of one crawl alone, without a repeat.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cpu_time import command_seconds
from benchmarks.growth import shuffle_writes
from benchmarks.inputs import made_wat
from benchmarks.local_spark import timed
from metaclip_curate.metadata.sources.starter import build_starter
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.stages import STAGES
from metaclip_curate.run.summaries import ExtractSummary, MatchSummary

CRAWLS = ("CC-MAIN-2025-18", "CC-MAIN-2025-21", "CC-MAIN-2025-26", "CC-MAIN-2025-30")
FILES, UNPACKED_MB = 4, 600.0
_STORED_SHARE = 1 / 4.25  # of the made WATs' unpacked bytes
_AGAIN = "match again"
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass(frozen=True)
class Cost:
    """What a command used.

    Attributes:
        seconds: Processor seconds of all its processes.
        shuffled: Bytes that its tasks wrote for shuffles.
    """

    seconds: float
    shuffled: int


def main(quick: bool = False) -> None:
    """Prints a table of stages for four crawls, and one for a single crawl.

    Args:
        quick: Whether to use a hundredth of the input.
    """
    stored_mb = round(UNPACKED_MB * _STORED_SHARE / (100 if quick else 1), 2)
    wats = [made_wat(stored_mb, seed) for seed in range(FILES)]
    _adopt_orphans()
    with timed() as clock:
        build_starter(clock.folder / "metadata")
        inputs = [_copy_of_crawl(clock.folder, crawl, wats) for crawl in CRAWLS]
        _print_costs(clock.folder, "four crawls", inputs)
        _print_costs(clock.folder, "one crawl", inputs[:1])


def _copy_of_crawl(folder: Path, crawl: str, wats: list[Path]) -> Path:
    """Copies files into a folder with the name of a crawl."""
    inputs = folder / "crawl-data" / crawl
    inputs.mkdir(parents=True)
    for number, wat in enumerate(wats):
        shutil.copyfile(wat, inputs / f"{crawl}-{number:05d}.warc.wat.gz")
    return inputs


def _print_costs(folder: Path, name: str, inputs: list[Path]) -> None:
    output = folder / name.replace(" ", "-")
    metadata = ["--metadata", str(folder / "metadata")]
    given = {"extract": ["--input", *map(str, inputs)], "match": metadata}
    costs = {}
    for stage in STAGES[: STAGES.index("match") + 1]:
        costs[stage] = _cost(folder, stage, ["--output", str(output), *given.get(stage, [])])
    RunFolder(str(output)).discard("match")
    costs[_AGAIN] = _cost(folder, "match", ["--output", str(output), *metadata, "--entry-spacing", "symmetric"])
    run = RunFolder(str(output))
    pairs, distinct = run.summary(ExtractSummary).pairs, run.summary(MatchSummary).distinct
    print(f"\n{name}: {pairs:,} pairs, {distinct:,} of them distinct\n")
    print(f"{'stage':<14}{'s':>8}{'us a pair':>11}{'MB shuffled':>13}")
    totals = [cost for stage, cost in costs.items() if stage != _AGAIN]
    costs["all but again"] = Cost(sum(cost.seconds for cost in totals), sum(cost.shuffled for cost in totals))
    for stage, cost in costs.items():
        each = cost.seconds / pairs * 1e6
        print(f"{stage:<14}{cost.seconds:>8.1f}{each:>11.2f}{cost.shuffled / 1e6:>13.1f}")


def _cost(folder: Path, stage: str, words: list[str]) -> Cost:
    """Runs a command on two cores.

    Settings come by PYSPARK_SUBMIT_ARGS: with a folder of settings, whose path is the first of the class path, Java
    wouldn't use the archive of `metaclip-curate java-archive`.
    """
    number = sum(1 for _ in folder.glob("log-*"))
    logs = folder / f"log-{number}"
    logs.mkdir()
    settings = {"enabled": "true", "dir": logs.as_uri(), "compress": "false"}
    given = [f"--conf spark.eventLog.{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "metaclip_curate", stage, *words, "--master", "local[2]"]
    environment = os.environ | {"PYSPARK_SUBMIT_ARGS": " ".join([*given, "pyspark-shell"])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    seconds = command_seconds(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, sum(size for _, size in shuffle_writes(logs)))


def _adopt_orphans() -> None:
    """Makes this process the parent of processes that outlive a command, such as its JVM, so that their time counts."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()
