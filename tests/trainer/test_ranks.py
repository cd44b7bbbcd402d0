"""Two ranks, joined by gloo, learn what one rank learns from the same batches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from tests.trainer import trainings

_SAME = ("--recipe", "tiny", "--batch-size", "8", "--pairs-seen", "48", "--warmup-pairs", "16", "--log-every", "1")


def start(ranks: int, shards: Path, output: Path, *more: str) -> subprocess.Popen[str]:
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), "-m") if ranks > 1 else ()
    command = [sys.executable, "-m", *torchrun, "metaclip_curate.trainer", *_SAME]
    places = ("--data", str(shards), "--output", str(output))
    return subprocess.Popen(
        [*command, *places, *more],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    try:
        output, _ = process.communicate(timeout=150)
    finally:
        process.kill()
    assert process.returncode == 0, output
    return output


def test_two_ranks_are_like_one(tmp_path: Path) -> None:
    # 43 pairs: an epoch is five batches and leaves a rest, so the ranks enter a second one together.
    trainings.write_colourful_shards(tmp_path / "shards", [20, 14, 9])
    running = {
        "one": start(1, tmp_path / "shards", tmp_path / "one"),
        "local": start(2, tmp_path / "shards", tmp_path / "local", "--accumulate", "2"),
        "global": start(2, tmp_path / "shards", tmp_path / "global", "--loss-rows", "global"),
    }
    printed = {name: finish(process) for name, process in running.items()}
    alone, weights = trainings.metrics(tmp_path / "one"), trainings.weights(tmp_path / "one")
    assert [line["step"] for line in alone] == [1, 2, 3, 4, 5, 6]
    for name in ("local", "global"):
        assert printed[name].count("finished:") == 1  # the first rank alone speaks, and only when all have finished
        together = trainings.metrics(tmp_path / name)
        for values in ("loss", "gradient_norm", "lr", "logit_scale"):
            assert [line[values] for line in together] == pytest.approx([line[values] for line in alone], rel=1e-3)
        for key, value in trainings.weights(tmp_path / name).items():
            assert torch.allclose(value, weights[key], atol=2e-3), key


def test_two_ranks_go_on_where_one_stopped(tmp_path: Path) -> None:
    trainings.write_colourful_shards(tmp_path / "shards", [20, 14, 9])
    trainings.train(tmp_path / "shards", tmp_path / "one", pairs_seen=48)
    trainings.train(tmp_path / "shards", tmp_path / "two", pairs_seen=48, stop_after_steps=3)
    output = finish(start(2, tmp_path / "shards", tmp_path / "two"))
    assert "step 3 of 6" in output
    expected = [line["loss"] for line in trainings.metrics(tmp_path / "one")]
    assert [line["loss"] for line in trainings.metrics(tmp_path / "two")] == pytest.approx(expected, rel=1e-3)
