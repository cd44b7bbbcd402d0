"""Two ranks, joined by gloo, learn what one rank learns from the same batches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import open_clip
import pytest
import torch

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import export
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.distributed import init_distributed
from tests.conftest import ROOT
from tests.support import made_shards, trainings
from tests.support.ranks import start_ranks

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


def command(shards: Path, output: Path, *more: str) -> tuple[str, ...]:
    places = ("--recipe", "tiny", "--data", str(shards), "--output", str(output))
    return (*places, *_STEPS, *more)


def train_with_torchrun(shards: Path, output: Path, *more: str) -> str:
    """Returns what two ranks print."""
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = subprocess.run(
        [*torchrun, "-m", "metaclip_curate.trainer", *command(shards, output, *more)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def train_with_two(shards: Path, output: Path, *more: str) -> str:
    """Returns what two ranks print."""
    output.mkdir(parents=True, exist_ok=True)
    ranks = start_ranks(output.parent, *[command(shards, output, *more)] * 2)
    ended = [rank.wait() for rank in ranks]
    printed = [rank.printed.read_text() for rank in ranks]
    assert ended == [0, 0], printed
    return "".join(printed)


def check_equal(output: Path, alone: Path) -> None:
    lines, expected = trainings.metrics(output), trainings.metrics(alone)
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "gradient_norm", "lr", "logit_scale"):
        assert [line[name] for line in lines] == pytest.approx([line[name] for line in expected], rel=1e-3)
    weights = trainings.weights(alone)
    for name, value in trainings.weights(output).items():
        assert torch.allclose(value, weights[name], atol=2e-3), name


def test_two_ranks_are_like_one(shards: Path, alone: Path, tmp_path: Path) -> None:
    printed = train_with_torchrun(shards, tmp_path, "--accumulate", "2")
    assert "step 0 of 6" in printed
    assert printed.count("finished:") == 1  # the first rank alone speaks
    check_equal(tmp_path, alone)


def test_two_ranks_go_on_where_one_stopped(shards: Path, alone: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    trainings.train(shards, output, pairs_seen=48, stop_after_steps=3)
    assert "step 3 of 6" in train_with_two(shards, output, "--loss-rows", "global", "--grad-checkpointing")
    check_equal(output, alone)


@pytest.mark.slow
def test_shards_of_two_ranks_are_resumed_by_one(shards: Path, alone: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    ranks = ("--parallel", "fsdp", "--checkpoint-every", "2", "--ema", "0.5")
    printed = train_with_two(shards, output, *ranks, "--stop-after-steps", "3")
    assert "stopped after step 3 of 6" in printed and "finished:" not in printed
    checkpoint = output / "checkpoints" / "step-000000003"
    assert sorted(path.name for path in checkpoint.parent.iterdir()) == ["step-000000002", "step-000000003"]
    trainings.train(shards, output, pairs_seen=48, ema=0.5)
    assert (output / "checkpoints" / "step-000000006.pt").exists()
    check_equal(output, alone)
    # One file of the shards, with the weights that the metrics of the fourth step begin with.
    assert export.main([str(checkpoint), str(tmp_path / "three.pt")]) == 0
    assert export.main([str(checkpoint), str(tmp_path / "average.pt"), "--ema"]) == 0
    clip.known_name("metaclip-curate-tiny")
    model = open_clip.create_model("metaclip-curate-tiny", pretrained=str(tmp_path / "three.pt"))
    trainings.train(shards, tmp_path / "three", pairs_seen=48, stop_after_steps=3, ema=0.5)
    state = torch.load(trainings.newest_checkpoint(tmp_path / "three"), weights_only=True)
    for name, value in model.state_dict().items():
        assert torch.allclose(value, state["state_dict"][name], atol=2e-3), name
    average = torch.load(tmp_path / "average.pt", weights_only=True)["state_dict"]
    for name, value in state["ema"].items():
        assert torch.allclose(average[name], value, atol=2e-3), name


@pytest.mark.slow
def test_shards_with_clipping_and_parts_of_a_batch_are_like_one_rank(shards: Path, tmp_path: Path) -> None:
    given = {"clip_norm": 0.1, "grad_checkpointing": True}
    trainings.train(shards, tmp_path / "alone", pairs_seen=48, **given)
    for name, colour in (("red", (220, 20, 20)), ("blue", (20, 20, 220))):
        (tmp_path / "images" / name).mkdir(parents=True)
        made_shards.picture_of(colour).save(tmp_path / "images" / name / "0.png")
    (tmp_path / "classes.json").write_text('{"en": {"red": "red", "blue": "blue"}}')
    more = ["--clip-norm", "0.1", "--grad-checkpointing", "--accumulate", "2", "--parallel", "fsdp"]
    more += ["--evaluate-every", "6", "--images", str(tmp_path / "images"), "--classes", str(tmp_path / "classes.json")]
    train_with_two(shards, tmp_path / "two", *more)
    lines, expected = trainings.metrics(tmp_path / "two"), trainings.metrics(tmp_path / "alone")
    assert lines.pop()["classification/en/top-5"] == 1
    for name in ("loss", "gradient_norm", "logit_scale"):
        assert [line[name] for line in lines] == pytest.approx([line[name] for line in expected], rel=1e-3)
    exported = open_clip.create_model(f"local-dir:{tmp_path / 'two'}")
    for name, value in trainings.weights(tmp_path / "alone").items():
        assert torch.allclose(exported.state_dict()[name], value, atol=2e-3), name


@pytest.mark.slow
def test_siglips_loss_of_two_ranks_is_that_of_one(shards: Path, tmp_path: Path) -> None:
    trainings.train(shards, tmp_path / "alone", pairs_seen=48, loss="siglip")
    train_with_two(shards, tmp_path / "two", "--loss", "siglip", "--accumulate", "2")
    lines, expected = trainings.metrics(tmp_path / "two"), trainings.metrics(tmp_path / "alone")
    for name in ("loss", "gradient_norm"):
        assert [line[name] for line in lines] == pytest.approx([line[name] for line in expected], rel=1e-3)


@pytest.mark.slow
def test_a_signal_to_one_rank_stops_both_with_a_checkpoint(shards: Path, tmp_path: Path) -> None:
    endless = command(shards, tmp_path / "run", "--pairs-seen", "8000000", "--workers", "1")
    ranks = start_ranks(tmp_path, endless, endless)
    metrics = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 100
    while not (metrics.exists() and metrics.read_text().count("\n") > 2):
        assert time.monotonic() < deadline
        assert all(rank.process.is_alive() for rank in ranks), [rank.printed.read_text() for rank in ranks]
        time.sleep(0.1)
    assert ranks[1].process.pid is not None
    os.kill(ranks[1].process.pid, signal.SIGUSR1)
    assert [rank.wait() for rank in ranks] == [0, 0], [rank.printed.read_text() for rank in ranks]
    newest = trainings.newest_checkpoint(tmp_path / "run")
    step = int(newest.stem.removeprefix("step-"))
    printed = ranks[0].printed.read_text()
    assert f"stopped by SIGUSR1 after step {step:,} of 1,000,000: the same command goes on" in printed
    assert trainings.metrics(tmp_path / "run")[-1]["step"] == step


@pytest.mark.slow
def test_ranks_that_differ_are_refused(shards: Path, tmp_path: Path) -> None:
    ranks = start_ranks(tmp_path, command(shards, tmp_path / "run"), command(shards, tmp_path / "run", "--lr", "2e-3"))
    assert [rank.wait() for rank in ranks] == [2, 2], [rank.printed.read_text() for rank in ranks]
    said = ranks[0].printed.read_text()
    assert "rank 1 has --lr 0.002, rank 0 has 0.001: start all ranks with the same command" in said


@pytest.mark.parametrize(
    ("gpus", "message"),
    [
        (0, "--device cuda needs a GPU, and PyTorch finds none"),
        (2, "LOCAL_RANK is 3, and PyTorch finds 2 GPUs: start as many ranks"),
    ],
)
def test_a_rank_without_a_gpu(monkeypatch: pytest.MonkeyPatch, gpus: int, message: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setenv("LOCAL_RANK", "3")
    with pytest.raises(UserError, match=message), init_distributed("cuda"):
        pass
