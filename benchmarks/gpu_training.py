"""The trainer on one GPU: its steps beside open_clip's, whole trainings beside open_clip_train, resuming, and NCCL.

    python -m benchmarks.gpu_training [--quick] [--minutes 8.5] [--parts steps,...] [--output FOLDER]

It needs no network: shards are made, weights are random. Each part runs in a process of its own, which is ended at the
part's limit of time, so that neither an error nor a part that hangs takes the others' results. Results are printed as
they come and are in FOLDER/gpu_training.json after each measurement; at the end come tables in Markdown. Parts for
which no time is left are named as skipped. `--quick` runs all parts on a CPU with a tiny model, which checks this
program and measures nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import open_clip
import torch

from benchmarks.gpu_parts import processes, steps, trainings
from benchmarks.gpu_parts.report import Report
from benchmarks.training_shards import write_shards


@dataclass(frozen=True)
class Part:
    """One part of the run.

    Attributes:
        measure: Function that measures and reports.
        least: Seconds below which it isn't begun.
        most: Seconds after which it is ended.
    """

    measure: Callable[[Report, Path], None]
    least: float
    most: float


# What matters most comes first. The limits add up to more than there is, since few parts need them.
_PARTS = {
    "steps": Part(lambda report, shards: steps.measure_steps(report), 60, 150),
    "trainings": Part(trainings.train, 90, 190),
    "resume": Part(trainings.resume, 50, 100),
    "command": Part(processes.run_command, 40, 100),
    "agreement": Part(lambda report, shards: steps.compare_losses(report), 25, 70),
    "loading": Part(trainings.load, 35, 60),
    "huge": Part(lambda report, shards: steps.measure_huge(report), 45, 80),
}


def main(arguments: list[str]) -> int:
    """Runs the parts for which there is time.

    Returns:
        Exit status: 0, 1 if a part failed, or 2 without a GPU.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, for a CPU")
    parser.add_argument("--minutes", type=float, default=8.5, help="time after which nothing runs any more")
    parser.add_argument("--parts", default=",".join(_PARTS), help="parts to run, in this order")
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("OUT", ".")))
    parsed = parser.parse_args(arguments)
    names = parsed.parts.split(",")
    if unknown := [name for name in names if name not in _PARTS]:
        parser.error(f"--parts has {unknown[0]}: name some of {', '.join(_PARTS)}")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as work:
        report = Report(parsed.quick, parsed.minutes, parsed.output, Path(work))
        shards = Path(work) / "shards"
        shards.mkdir()
        if not _run("machine", Part(_describe, 0, 60), report, shards):
            return 1
        if not report.results()["machine"][0]["gpu"] and not parsed.quick:
            print("there is no GPU that PyTorch can use: give --quick to check this program on a CPU", file=sys.stderr)
            return 2
        images, size = (512, (48, 40)) if parsed.quick else (24_576, (340, 256))
        write_shards(shards, images, shards=16 if parsed.quick else 64, size=size)
        passed = True
        for name in names:
            if report.left < _PARTS[name].least and not parsed.quick:
                report.add(name, skipped=f"{report.left:.0f} s left")
                continue
            passed = _run(name, _PARTS[name], report, shards) and passed
        report.summarize()
        print(f"\n{report.tables()}")
    return int(not passed)


def _run(name: str, part: Part, report: Report, shards: Path) -> bool:
    """Runs a part in a process of its own and returns whether it passed in its time."""
    # Forked, so that no part imports PyTorch again; this process never uses the GPU.
    child = multiprocessing.get_context("fork").Process(target=_work, args=(name, part, report, shards))
    child.start()
    limit = part.most * 3 if report.quick else min(part.most, max(5.0, report.left))
    child.join(limit)
    if child.is_alive():
        for process in _with_descendants(child.pid or 0):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        child.join()
        report.add(name, failed=f"ended after {limit:.0f} s")
        return False
    if child.exitcode and child.exitcode < 0:
        report.add(name, failed=f"ended by signal {-child.exitcode}")
    return child.exitcode == 0


def _work(name: str, part: Part, report: Report, shards: Path) -> None:
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    try:
        part.measure(report, shards)
    except Exception as error:
        traceback.print_exc()
        report.add(name, failed=f"{type(error).__name__}: {error}"[:300])
        sys.exit(1)


def _with_descendants(process: int) -> list[int]:
    """Lists a process and those that it has started (Linux); torchrun's are in sessions of their own."""
    found = [process]
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            found += _with_descendants(int(child))
    return found


def _describe(report: Report, shards: Path) -> None:
    report.add(
        "machine", gpu=report.gpu, cores=os.cpu_count(), torch=torch.__version__, open_clip=open_clip.__version__
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
