"""Programs in processes of their own: our command under torchrun, and open_clip_train."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu_parts.report import Report

# Newer releases of webdataset mark the end of a tar with a sample that open_clip_train 3.3 doesn't expect.
_OPEN_CLIP_TRAIN = """
import functools, sys
from open_clip_train import data
from metaclip_curate.trainer.models import clip
clip.known_name("metaclip-curate-tiny")
data.tar_file_expander = functools.partial(data.tar_file_expander, eof_value=None)
from open_clip_train.main import main
main(sys.argv[1:])
"""


def run_command(report: Report, shards: Path) -> None:
    """Trains by the command line under torchrun, over NCCL where there is a GPU; stops in the middle and goes on."""
    name, batch, steps = ("metaclip-curate-tiny", 16, 6) if report.quick else ("ViT-B-32-quickgelu", 256, 12)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1"]
    command += ["-m", "metaclip_curate.trainer", "--recipe", "metaclip1-b32", "--data", str(shards)]
    command += ["--output", str(report.work / "command"), "--model", name, "--batch-size", str(batch)]
    command += [
        "--pairs-seen",
        str(batch * steps),
        "--warmup-pairs",
        str(batch),
        "--precision",
        "bf16",
        "--workers",
        "2",
    ]
    for stop in (steps // 2, 0):
        start = time.monotonic()
        done = subprocess.run(
            [*command, "--stop-after-steps", str(stop)], capture_output=True, text=True, check=False, timeout=150
        )
        lines = done.stdout.splitlines() or done.stderr.splitlines()
        seconds = time.monotonic() - start
        report.add("command", stop_after=stop, status=done.returncode, seconds=seconds, last_line=lines[-1:])
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])


def run_open_clip_train(
    report: Report, shards: Path, name: str, batch: int, steps: int, workers: int
) -> dict[str, Any]:
    """Runs open_clip's own program on the same shards and returns its rate."""
    number = len(list(shards.glob("*.tar")))
    given = {
        "--train-data": f"{shards}/{{00000..{number - 1:05d}}}.tar",
        "--train-num-samples": batch * steps,
        "--dataset-type": "webdataset",
        "--model": name,
        "--batch-size": batch,
        "--precision": "amp_bf16",
        "--workers": min(workers, number),
        "--warmup": 10,
        "--epochs": 1,
        "--log-every-n-steps": max(1, steps // 6),
        "--logs": report.work / "open_clip_train",
        "--save-frequency": 0,
        "--device": report.device.type,
    }
    command = [sys.executable, "-c", _OPEN_CLIP_TRAIN, *(str(word) for pair in given.items() for word in pair)]
    command += ["--dataset-resampled", "--local-loss", "--gather-with-grad"]
    limit = max(60.0, report.left)
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    output = done.stdout + done.stderr
    # The mean of the steps between two lines; the first one has the start of the workers.
    seconds = [float(found) for found in re.findall(r"Batch \(t\): ([\d.]+)", output)][1:]
    if done.returncode or not seconds:
        return {"failed": output.strip().splitlines()[-1:]}
    return {"pairs_per_second": float(batch / np.median(seconds))}
