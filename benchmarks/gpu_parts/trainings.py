"""Trainings from shards to weights: ours, a bare step without data, open_clip_train; loading alone; and resuming."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu_parts import processes
from benchmarks.gpu_parts.report import Report, free
from benchmarks.gpu_parts.steps import TINY, bare_step, make_model, make_tensors
from metaclip_curate.trainer.data.prefetch import DevicePrefetcher
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.models.pixels import Decoder, split_transform
from metaclip_curate.trainer.train.data import open_pairs, pair_loader
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.options import GROUPS, TrainOptions
from metaclip_curate.trainer.train.recipe import read_recipe, resolved
from metaclip_curate.trainer.train.train import Training

_SHOWN = ("loss", "mfu", "peak_memory_gib", "waiting_for_data")


def workers(report: Report) -> int:
    """Returns the number of processes that read and decode."""
    return 2 if report.quick else max(1, (os.cpu_count() or 2) - 2)


def options_of(shards: Path, output: Path, **given: Any) -> TrainOptions:
    """Makes a training's options by their names, over those of a recipe."""
    group_of = {field.name: group for group, kind in GROUPS.items() for field in dataclasses.fields(kind)}
    values = {"data": str(shards), "output": str(output), **given}
    named = {f"{group_of[name]}.{name}": value for name, value in values.items()}
    return resolved(argparse.Namespace(**named), read_recipe("metaclip1-b32"))


def lines_of(output: Path) -> list[dict[str, Any]]:
    """Reads the metrics of a training."""
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text("utf-8").splitlines()]


def train(report: Report, shards: Path) -> None:
    """Trains as users do, beside the same step without data and open_clip_train."""
    cases = [(TINY, 32, 12)] if report.quick else [("ViT-B-16-quickgelu", 512, 48), ("ViT-B-32-quickgelu", 1024, 36)]
    for name, batch, steps in cases:
        if not report.quick and report.left < 70:
            report.add("trainings", model=name, skipped="no time left")
            continue
        output = report.work / f"training-{name}"
        given = {"model": name, "batch_size": batch, "pairs_seen": batch * steps, "warmup_pairs": batch * 10}
        given |= {"precision": "bf16", "workers": workers(report), "log_every": max(1, steps // 6)}
        _train(options_of(shards, output, **given, decoder="torch"), report)
        lines = [line for line in lines_of(output) if "loss" in line]
        shown = {
            key: lines[-1][key] for key in ("loss", "mfu", "peak_memory_gib", "waiting_for_data") if key in lines[-1]
        }
        rate = float(np.median([line["pairs_per_second"] for line in lines[1:]]))
        report.add("trainings", what="ours", model=name, batch=batch, pairs_per_second=rate, **shown)
        free()
        rate = _bare_rate(report, name, batch)
        report.add("trainings", what="step without data", model=name, batch=batch, pairs_per_second=rate)
        free()
        if report.quick or report.left > 75:
            found = processes.run_open_clip_train(report, shards, name, batch, steps, workers(report))
            report.add("trainings", what="open_clip_train", model=name, batch=batch, **found)


def _train(options: TrainOptions, report: Report) -> None:
    Training(options, Distributed(0, 1, report.device), lambda line: None).run()


def _bare_rate(report: Report, name: str, batch: int) -> float:
    model = make_model(name, report)
    images, tokens = make_tensors(model, batch, report.device)
    step, steps = bare_step(model, "bf16"), 2 if report.quick else 12
    for _ in range(3):
        loss = step(images, tokens, 1e-5)
    float(loss)
    start = time.monotonic()
    for _ in range(steps):
        loss = step(images, tokens, 1e-5)
    float(loss)
    return batch * steps / (time.monotonic() - start)


def load(report: Report, shards: Path) -> None:
    """Measures how fast batches reach the device where nothing computes, and what they cost the main process."""
    name, batch = (TINY, 32) if report.quick else ("ViT-B-16-quickgelu", 512)
    made = clip.create(name)
    for decoder in ("pil", "torch"):
        options = options_of(
            shards, report.work / "none", model=name, batch_size=batch, pairs_seen=batch, workers=workers(report)
        )
        batches = _batches(made, decoder, options, report)
        for _ in range(workers(report) + 2):
            next(batches)
        start, used, images = time.monotonic(), time.process_time(), 0
        while time.monotonic() - start < (2.0 if report.quick else 10.0):
            images += next(batches)
        rate = images / (time.monotonic() - start)
        cost = (time.process_time() - used) / images * 1000
        report.add("loading", decoder=decoder, images_per_second=rate, main_process_ms=cost, workers=workers(report))
        batches.close()  # type: ignore[attr-defined]
        free()


def _batches(made: clip.Clip, decoder: Decoder, options: TrainOptions, report: Report) -> Iterator[int]:
    distributed = Distributed(0, 1, report.device)
    transform, normalization = split_transform(made.train_transform, made.name, decoder)
    loader = pair_loader(open_pairs(options, distributed), options, distributed, transform, made.tokenizer)
    prefetcher = DevicePrefetcher(loader, report.device, normalization)
    while True:
        for batch in prefetcher:
            yield len(batch.images)


def resume(report: Report, shards: Path) -> None:
    """Compares a training that was stopped and resumed with two that weren't."""
    name, batch, steps = (TINY, 16, 6) if report.quick else ("ViT-B-32-quickgelu", 256, 12)
    for precision in ("bf16", "fp16"):
        given = {"model": name, "batch_size": batch, "pairs_seen": batch * steps, "warmup_pairs": batch * 2}
        given |= {"precision": precision, "workers": min(4, workers(report)), "log_every": 1, "lr": 1e-4}
        losses = {}
        for run, stops in (("whole", (0,)), ("again", (0,)), ("stopped", (steps // 2, 0))):
            output = report.work / f"resume-{precision}-{run}"
            for stop in stops:
                _train(options_of(shards, output, stop_after_steps=stop, **given), report)
                free()
            losses[run] = [line["loss"] or 0.0 for line in lines_of(output)]
        apart = {
            run: max(abs(a - b) for a, b in zip(losses["whole"], losses[run], strict=True))
            for run in ("again", "stopped")
        }
        report.add("resume", precision=precision, steps=steps, two_whole_runs=apart["again"], stopped=apart["stopped"])
