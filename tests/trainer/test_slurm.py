"""The Slurm script of docs/training.md: what it starts, and when it submits itself again."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Each program writes down how it was called.
_FAKES = {
    "scontrol": "echo node7; echo node8",
    "srun": 'SLURM_PROCID=3 SLURM_LOCALID=1 SLURM_NTASKS=64 "$@"; exit $SRUN_STATUS',
    "python": 'echo "$RANK $LOCAL_RANK $WORLD_SIZE $MASTER_ADDR $@" > started',
    "sbatch": 'echo "$@" > submitted',
}


@pytest.mark.parametrize(("status", "finished", "again"), [(0, False, True), (0, True, False), (1, False, False)])
def test_it_submits_itself_only_after_a_normal_stop(tmp_path: Path, status: int, finished: bool, again: bool) -> None:
    text = (ROOT / "docs" / "training.md").read_text("utf-8").partition("### Slurm")[2]
    block = re.search(r"(?:^    .*\n|^\n)+", text, re.MULTILINE)
    assert block is not None
    script = tmp_path / "job.sh"
    script.write_text(textwrap.dedent(block[0]).strip() + "\n")
    (tmp_path / "TRAINING").mkdir()
    if finished:
        (tmp_path / "TRAINING" / "open_clip_model.safetensors").touch()
    for name, body in _FAKES.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/bash\n{body}\n")
        program.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "SLURM_JOB_NODELIST": "node[7-8]"}
    environment |= {"SRUN_STATUS": str(status)}
    done = subprocess.run(["bash", str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    started = (tmp_path / "started").read_text()
    assert started.startswith("3 1 64 node7 -m metaclip_curate.trainer --recipe metaclip1-b16 --data DIR --output")
    assert (tmp_path / "submitted").exists() == again
