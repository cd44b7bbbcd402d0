"""A training that draws each epoch anew, and goes on in the middle of one."""

from __future__ import annotations

from pathlib import Path

from metaclip_curate.trainer.train.train import Training
from tests.support import made_run, made_shards, trainings


def test_online(tmp_path: Path) -> None:
    matched = made_run.matched_rows(60, seed=3)
    made_run.write_run(tmp_path / "run", matched, t=8)
    made_shards.write_matched(tmp_path / "shards", matched)
    online = {"run": str(tmp_path / "run"), "weights": ("sw=2",), "pairs_seen": 8 * 9}
    trainings.train(tmp_path / "shards", tmp_path / "whole", **online)
    trainings.train(tmp_path / "shards", tmp_path / "parts", stop_after_steps=5, **online)
    trainings.train(tmp_path / "shards", tmp_path / "parts", **online)
    whole, parts = trainings.metrics(tmp_path / "whole"), trainings.metrics(tmp_path / "parts")
    assert [line["loss"] for line in parts] == [line["loss"] for line in whole]
    # Every epoch is drawn anew, with another size; what is expected is printed before anything is.
    lines: list[str] = []
    training = Training(
        trainings.options(tmp_path / "shards", tmp_path / "new", **online), trainings.ALONE, lines.append
    )
    sizes = []
    for epoch in range(4):
        training.pairs.move_to(epoch)
        sizes.append(training.pairs.epoch_size())
    assert len(set(sizes)) > 1
    assert all(abs(size - training.pairs.expected_epoch_size) < 15 for size in sizes)
    training.pairs.move_to(0)
    training.run()
    assert lines[0] == f"step 0 of 9: {training.pairs.expected_epoch_size:,.0f} pairs an epoch"
