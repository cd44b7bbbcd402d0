"""Small trainings: their options, runs and output."""

from __future__ import annotations

import argparse
import colorsys
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.options import GROUPS, TrainOptions
from metaclip_curate.trainer.train.recipe import read_recipe, resolved
from metaclip_curate.trainer.train.train import Training
from tests.support import made_shards

ALONE = Distributed(0, 1, torch.device("cpu"))
_GROUP_OF = {name: group for group, kind in GROUPS.items() for name in (item.name for item in dataclasses.fields(kind))}


def options(data: Path, output: Path, **given: Any) -> TrainOptions:
    """Makes options from the tiny recipe with two batches of 8 and the given options."""
    small = {"data": str(data), "output": str(output), "batch_size": 8, "pairs_seen": 16}
    small |= {"warmup_pairs": 16, "log_every": 1}
    values = {f"{_GROUP_OF[name]}.{name}": value for name, value in (small | given).items()}
    return resolved(argparse.Namespace(**values), read_recipe("tiny"))


def write_colourful_shards(folder: Path, sizes: list[int]) -> None:
    """Writes shards whose images show their language by colour and their number by brightness."""
    light = [(number % 40) / 40 * 0.7 + 0.3 for number in range(sum(sizes))]
    colours = [
        colorsys.hsv_to_rgb(number % len(made_shards.TEXTS) / 8, 1, light[number]) for number in range(sum(sizes))
    ]
    files = {n: made_shards.png((int(r * 255), int(g * 255), int(b * 255))) for n, (r, g, b) in enumerate(colours)}
    made_shards.write(folder, sizes, files)


def train(data: Path, output: Path, **given: Any) -> bool:
    torch.set_num_threads(1)  # faster for a model that is so small
    return Training(options(data, output, **given), ALONE, lambda line: None).run()


def metrics(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text("utf-8").splitlines()]


def newest_checkpoint(output: Path) -> Path:
    return max((output / "checkpoints").iterdir())


def weights(output: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(newest_checkpoint(output), weights_only=True)["state_dict"]
    return state
