"""Peak memory of a process that reads a file: `python -m benchmarks.reading_memory FILE`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.inputs import ROOT
from benchmarks.peak_memory import peak_mb
from metaclip_curate.extract import read_pairs


def peak_of_reading(path: Path) -> tuple[int, float]:
    """Reads a file in a process of its own, with language identification.

    Returns:
        Number of pairs, and peak resident memory in MB.
    """
    command = [sys.executable, "-m", "benchmarks.reading_memory", str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    pairs, peak = json.loads(answer.stdout)
    return pairs, peak


if __name__ == "__main__":
    rows = sum(batch.num_rows for batch in read_pairs(sys.argv[1]))
    print(json.dumps([rows, peak_mb()]))
