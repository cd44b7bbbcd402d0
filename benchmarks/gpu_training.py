"""The trainer on one GPU: its steps beside open_clip's, whole trainings beside open_clip_train, resuming, and NCCL.

    python -m benchmarks.gpu_training [--quick] [--minutes 8.5] [--parts steps,...] [--output FOLDER]

It needs no network: shards are made, weights are random. Results are printed as they come and are in
FOLDER/gpu_training.json after each part. Parts for which no time is left are named as skipped. `--quick` runs all parts
on a CPU with a tiny model, which checks this program and measures nothing.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import open_clip
import torch

from benchmarks.gpu_parts import processes, steps, trainings
from benchmarks.gpu_parts.report import Report, free
from benchmarks.training_shards import write_shards


def main(arguments: list[str]) -> int:
    """Runs the parts for which there is time.

    Returns:
        Exit status: 0, or 1 if a part failed.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, for a CPU")
    parser.add_argument("--minutes", type=float, default=8.5, help="time after which no part begins")
    parser.add_argument("--parts", default="steps,agreement,resume,command,loading,trainings,huge")
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("OUT", ".")))
    parsed = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    if not torch.cuda.is_available():
        torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        report = Report(parsed.quick, parsed.minutes, parsed.output, Path(work))
        report.add(
            "machine", gpu=report.gpu, cores=os.cpu_count(), torch=torch.__version__, open_clip=open_clip.__version__
        )
        shards = Path(work) / "shards"
        shards.mkdir()
        images, size = (512, (48, 40)) if parsed.quick else (24_576, (340, 256))
        write_shards(shards, images, shards=16 if parsed.quick else 64, size=size)
        # Seconds that each part needs at least.
        parts: dict[str, tuple[float, Callable[[], None]]] = {
            "steps": (60, lambda: steps.measure_steps(report)),
            "agreement": (25, lambda: steps.compare_losses(report)),
            "resume": (50, lambda: trainings.resume(report, shards)),
            "command": (40, lambda: processes.run_command(report, shards)),
            "loading": (40, lambda: trainings.load(report, shards)),
            "trainings": (90, lambda: trainings.train(report, shards)),
            "huge": (45, lambda: steps.measure_huge(report)),
        }
        failed = False
        for name in parsed.parts.split(","):
            least, part = parts[name]
            if not parsed.quick and report.left < least:
                report.add(name, skipped=f"{report.left:.0f} s left")
                continue
            try:
                part()
            except Exception as error:  # the other parts' results count, whatever happens in one
                failed = True
                report.add(name, failed=f"{type(error).__name__}: {error}"[:300])
                traceback.print_exc()
            free()
        report.summarize()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
