"""Two ranks, joined by gloo, learn what one rank learns from the same batches."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from tests.support import trainings

_STEPS = ("--batch-size", "8", "--pairs-seen", "48", "--warmup-pairs", "16", "--log-every", "1")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """43 pairs: an epoch is five batches and leaves a rest, so with six the ranks enter a second one together."""
    folder = tmp_path_factory.mktemp("shards")
    trainings.write_colourful_shards(folder, [20, 14, 9])
    return folder


@pytest.fixture(scope="module")
def alone(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one rank makes of them."""
    output = tmp_path_factory.mktemp("alone")
    trainings.train(shards, output, pairs_seen=48)
    return output


def train_with_two(shards: Path, output: Path, *more: str) -> str:
    """Returns what is printed."""
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    places = ("--recipe", "tiny", "--data", str(shards), "--output", str(output))
    done = subprocess.run(
        [*torchrun, "-m", "metaclip_curate.trainer", *places, *_STEPS, *more],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("finished:") == 1  # the first rank alone speaks
    return done.stdout


def check_equal(output: Path, alone: Path) -> None:
    lines, expected = trainings.metrics(output), trainings.metrics(alone)
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "gradient_norm", "lr", "logit_scale"):
        assert [line[name] for line in lines] == pytest.approx([line[name] for line in expected], rel=1e-3)
    weights = trainings.weights(alone)
    for name, value in trainings.weights(output).items():
        assert torch.allclose(value, weights[name], atol=2e-3), name


def test_two_ranks_are_like_one(shards: Path, alone: Path, tmp_path: Path) -> None:
    assert "step 0 of 6" in train_with_two(shards, tmp_path, "--accumulate", "2")
    check_equal(tmp_path, alone)


def test_two_ranks_go_on_where_one_stopped(shards: Path, alone: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path, pairs_seen=48, stop_after_steps=3)
    assert "step 3 of 6" in train_with_two(shards, tmp_path, "--loss-rows", "global", "--grad-checkpointing")
    check_equal(tmp_path, alone)
