"""How checkpoints are read, and what is left of those that weren't finished."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metaclip_curate.errors import UserError
from metaclip_curate.trainer import export
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.checkpoint import Checkpoints, Progress, read_checkpoint
from metaclip_curate.trainer.train.options import OptimizationOptions
from metaclip_curate.trainer.train.step import Learner
from tests.support.trainings import ALONE

_MAPS = Path("/proc/self/maps")
_OPTIMIZATION = OptimizationOptions(batch_size=2, pairs_seen=2, warmup_pairs=0)


@pytest.mark.skipif(not _MAPS.exists(), reason="the kernel doesn't list what a process has mapped")
def test_a_checkpoint_is_mapped_and_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "step-000000001.pt"
    torch.save({"format": 1, "state_dict": {"weight": torch.arange(4096.0)}}, path)
    state = read_checkpoint(path)
    assert str(path) in _MAPS.read_text()
    weight = state["state_dict"]["weight"]
    weight += 1  # what a training changes stays its own
    assert float(read_checkpoint(path)["state_dict"]["weight"][0]) == 0.0


@pytest.mark.parametrize("content", [b"", b"PK", b"a text that isn't a checkpoint\n" * 100])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "step-000000001.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"step-000000001\.pt is damaged or no checkpoint: restore it .* or remove it"):
        read_checkpoint(path)


def test_a_checkpoint_that_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "step-000000001.pt"
    torch.save({"format": 1, "weight": torch.arange(4096.0)}, path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UserError, match="is damaged or no checkpoint"):
        read_checkpoint(path)
    torch.save([1], path)
    with pytest.raises(UserError, match="isn't a checkpoint of this version"):
        read_checkpoint(path)


@pytest.fixture
def saved(tmp_path: Path) -> Checkpoints:
    """The checkpoints of a folder that has one."""
    learner = Learner(clip.create("metaclip-curate-tiny").model, ALONE, _OPTIMIZATION, "fp32")
    found = Checkpoints(tmp_path, learner, ALONE, keep=2)
    found.save(Progress(1, {}))
    return found


def test_a_checkpoint_with_other_bytes_than_were_written(saved: Checkpoints, tmp_path: Path) -> None:
    path = tmp_path / "step-000000001.pt"
    assert saved.load(path).step == 1
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"step-000000001\.pt is damaged or no checkpoint"):
        saved.load(path)


def test_a_sharded_checkpoint_without_one_of_its_parts(saved: Checkpoints, tmp_path: Path) -> None:
    folder = tmp_path / "step-000000002"
    torch.distributed.checkpoint.save({"state_dict": {}}, checkpoint_id=folder, no_dist=True)
    torch.save({"format": 1, "step": 2, "data": {}, "scaler": {}}, folder / "training.pt")
    with pytest.raises(UserError, match=r"step-000000002 can't be read \(.+\): restore it"):
        saved.load(folder)


def test_exporting_a_sharded_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "step-000000002"
    torch.distributed.checkpoint.save({"state_dict": {"weight": torch.ones(8)}}, checkpoint_id=folder, no_dist=True)
    assert export.main([str(folder), str(tmp_path / "model.pt")]) == 0
    assert float(torch.load(tmp_path / "model.pt", weights_only=True)["state_dict"]["weight"].sum()) == 8
    assert "model.pt: 1 tensor for open_clip" in capsys.readouterr().out
    next(folder.glob("*.distcp")).unlink()
    assert export.main([str(folder), str(tmp_path / "other.pt")]) == 2
    assert "step-000000002 can't be read (FileNotFoundError" in capsys.readouterr().err
    assert not (tmp_path / "other.pt").exists()


def test_what_a_killed_job_left_is_removed(saved: Checkpoints, tmp_path: Path) -> None:
    left = [tmp_path / ".step-000000002.pt.7-ab.metaclip-tmp", tmp_path / "step-000000003" / "__0_0.distcp"]
    others = [
        tmp_path / ".notes.7-ab.metaclip-tmp",
        tmp_path / "step-000000004" / "notes.md",
        tmp_path / "step-5" / "a",
    ]
    whole = [tmp_path / "step-000000006" / name for name in (".metadata", "training.pt")]
    for path in (*left, *others, *whole):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (left[1].parent / "training.pt").touch()
    saved.remove_unfinished()
    assert not any(path.exists() for path in (*left, left[1].parent))
    assert all(path.exists() for path in (*others, *whole, tmp_path / "step-000000001.pt"))
