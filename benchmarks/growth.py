"""Growth of cost: the whole run on 1, 2 and 4 times the input, with seconds and shuffled bytes of each stage.

No stage may grow faster than its input. Seconds are processor seconds of the JVM and the workers; shuffled bytes come
from Spark's event log. One session does all runs, after one that isn't counted: the JVM compiles code that runs often,
which costs the first run more than its rows do. t grows with the input, as a user's would.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cpu_time import descendants_seconds
from benchmarks.local_spark import local_spark, timed
from benchmarks.synthetic_wat import write_synthetic_wat
from metaclip_curate.metadata.sources.starter import build_starter
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.options import Options
from metaclip_curate.run.stages import STAGES

FACTORS = (1, 2, 4)
FILES_PER_FACTOR, FILE_BYTES = 4, 120 << 20

Run = tuple[dict[str, float], dict[str, float]]  # by stage: when it began, and its processor seconds


def main(quick: bool = False) -> None:
    """Prints a table of stages.

    Args:
        quick: Whether to use a fortieth of the input.
    """
    file_bytes = FILE_BYTES // 40 if quick else FILE_BYTES
    with timed() as clock:
        inputs = [clock.folder / f"in-{number:02d}.warc.wat.gz" for number in range(FACTORS[-1] * FILES_PER_FACTOR)]
        for number, path in enumerate(inputs):
            write_synthetic_wat(path, file_bytes, seed=number)
        build_starter(clock.folder / "metadata")
        logs = clock.folder / "log"
        logs.mkdir()
        log_settings = {
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": str(logs),
            "spark.eventLog.compress": "false",
        }
        with local_spark(log_settings):
            _run(clock.folder, inputs, 1)
            runs = {factor: _run(clock.folder, inputs, factor) for factor in FACTORS}
        shuffled = _shuffled(logs, [began for began, _ in runs.values()])
    print(f"\n{'stage':<10}" + "".join(f"{f'{factor}x s':>10}{f'{factor}x MB':>10}" for factor in FACTORS))
    for stage in STAGES:
        cells = [
            (f"{seconds[stage]:.1f}", f"{size[stage] / 1e6:.1f}")
            for (_, seconds), size in zip(runs.values(), shuffled, strict=True)
        ]
        print(f"{stage:<10}" + "".join(f"{first:>10}{second:>10}" for first, second in cells))
    print(
        f"\n1x is {FILES_PER_FACTOR} files of {file_bytes / 2**20:.0f} MiB unpacked; s: processor seconds; MB: shuffled"
    )


def _run(folder: Path, inputs: list[Path], factor: int) -> Run:
    output = folder / "out"
    options = Options(
        run=RunOptions(output=str(output)),
        extract=ExtractOptions(input=tuple(map(str, inputs[: factor * FILES_PER_FACTOR]))),
        match=MatchOptions(metadata=str(folder / "metadata")),
        balance=BalanceOptions(t=100 * factor),
    )
    pipeline = Pipeline(options, log=lambda line: None)
    began, seconds = {}, {}
    for stage in STAGES:
        began[stage], before = time.time(), descendants_seconds()
        getattr(pipeline, stage)()
        seconds[stage] = descendants_seconds() - before
    shutil.rmtree(output)
    return began, seconds


def _shuffled(logs: Path, runs: list[dict[str, float]]) -> list[dict[str, int]]:
    """Returns the bytes that each run's stages wrote for shuffles, without the warm-up before the first run."""
    sums = [dict.fromkeys(STAGES, 0) for _ in runs]
    begun = [(began[stage], number, stage) for number, began in enumerate(runs) for stage in STAGES]
    for finished, size in shuffle_writes(logs):
        before = [where for where in begun if where[0] <= finished]
        if before:
            _, number, stage = max(before)
            sums[number][stage] += size
    return sums


def shuffle_writes(logs: Path) -> Iterator[tuple[float, int]]:
    """Yields when each task finished (seconds since the epoch), and how many bytes it wrote for a shuffle."""
    for log in sorted(path for path in logs.rglob("*") if path.is_file() and not path.name.startswith(".")):
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"SparkListenerTaskEnd"' not in line:
                continue
            event = json.loads(line)
            metrics = event.get("Task Metrics") or {}
            written = metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
            yield event["Task Info"]["Finish Time"] / 1000, written


if __name__ == "__main__":
    main()
