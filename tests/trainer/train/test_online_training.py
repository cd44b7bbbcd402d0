"""A training that draws each epoch anew, and goes on in the middle of one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import webdataset

from metaclip_curate.schemas import MATCHED
from metaclip_curate.trainer.train.train import Training
from tests.support import made_run, made_shards, trainings

_TEXT = ("uid", "text", "lang", "metadata_lang", "entry_ids")
_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("status", pa.string()),
        ("texts", pa.list_(pa.struct([MATCHED.field(name) for name in _TEXT]))),
    ]
)


def write_matched_images(folder: Path, matched: made_run.Rows) -> None:
    """One shard of all matched images with all their texts."""
    folder.mkdir()
    by_image: dict[str, made_run.Rows] = {}
    for row in matched:
        by_image.setdefault(row["image_id"], []).append({name: row[name] for name in _TEXT})
    rows = []
    with webdataset.TarWriter(str(folder / "00000.tar")) as tar:
        for number, texts in enumerate(by_image.values()):
            rows.append({"key": f"{number:09d}", "status": "success", "texts": texts})
            tar.write({"__key__": rows[-1]["key"], "jpg": made_shards.png((number % 256, 0, 99))})
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), folder / "00000.parquet")
    made_shards.write_sizes(folder, [len(rows)])


def test_online(tmp_path: Path) -> None:
    matched = made_run.matched_rows(60, seed=3)
    made_run.write_run(tmp_path / "run", matched, t=8)
    write_matched_images(tmp_path / "shards", matched)
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
