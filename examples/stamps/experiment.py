"""Tiny CLIPs trained with equal steps on two sets of pairs of the same size, and their retrieval."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from examples.stamps.collection import Stamp
from examples.stamps.pictures import compose, serving
from examples.stamps.web import LANGUAGES, Plan
from metaclip_curate.console.text_table import text_table
from metaclip_curate.trainer.evaluate.zero_shot import Encoder, recall_at, text_ranks
from metaclip_curate.trainer.models.clip import create
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.recipe import read_recipe, resolved
from metaclip_curate.trainer.train.train import Training

_BALANCED, _AS_FOUND = "balanced", "as found"
_PLACES = 5
_HELD_OUT = 10**9  # numbers from here on are images that no page shows


@dataclass(frozen=True)
class Setting:
    """Size of the experiment.

    Attributes:
        seeds: Number of trainings of each kind.
        steps: Number of steps of a training.
        batch: Number of pairs in a step.
        held_out: Number of new images of each subject.
        workers: Number of processes that read data.
    """

    seeds: int = 3
    steps: int = 300
    batch: int = 128
    held_out: int = 2
    workers: int = 1


def fetch_images(stamps: Sequence[Stamp], folder: Path, port: int, seed: int) -> None:
    """Downloads all matched pairs' images from a server on loopback, by `metaclip-curate download`."""
    command = [str(Path(sys.executable).with_name("metaclip-curate")), "download"]
    folders = ["--run", str(folder / "everything"), "--output", str(folder / "images"), "--allow-private-addresses"]
    shape = ["--image-size", "64", "--samples-per-shard", "1000", "--threads", "8", "--processes", "2"]
    direct = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", "NO_ALBUMENTATIONS_UPDATE": "1"}
    with serving(stamps, port, seed):
        subprocess.run([*command, *folders, *shape], check=True, env=os.environ | direct)


def write_manifest_as_found(folder: Path) -> tuple[int, int]:
    """Writes a manifest with a uniform sample of all matched pairs, as many as the balanced manifest has.

    Returns:
        Number of pairs in each manifest, and of all matched pairs.
    """
    everything = pq.read_table(folder / "everything" / "manifest", columns=["uid", "draw"])
    size = pq.read_table(folder / "balanced" / "manifest", columns=["uid"]).num_rows
    drawn = everything.sort_by("draw").slice(0, size)  # the draws have another seed than the balanced ones
    target = folder / "as-found"
    target.mkdir(exist_ok=True)
    pq.write_table(pa.table({"uid": drawn["uid"]}), target / "part-00000.parquet")
    return size, everything.num_rows


def train_all(folder: Path, setting: Setting) -> None:
    """Trains on both sets with each seed. Finished trainings are kept."""
    manifests = {_BALANCED: folder / "balanced" / "manifest", _AS_FOUND: folder / "as-found"}
    torch.set_num_threads(1)  # the model is too small for more threads
    for seed in range(setting.seeds):
        for kind, manifest in manifests.items():
            given = {
                "data.data": str(folder / "images"),
                "data.manifest": str(manifest),
                "data.seed": seed,
                "data.streams": 2,  # more streams would read these few small shards several times
                "data.workers": setting.workers,
                "optimization.batch_size": setting.batch,
                "optimization.pairs_seen": setting.steps * setting.batch,
                "optimization.lr": 3e-3,
                "optimization.warmup_pairs": setting.steps * setting.batch // 10,
                "output.output": str(_output(folder, kind, seed)),
                "output.log_every": 50,
            }
            options = resolved(argparse.Namespace(**given), read_recipe("tiny"))
            print(f"\n{kind}, seed {seed}", flush=True)
            Training(options, Distributed(0, 1, torch.device("cpu")), lambda line: print(f"  {line}", flush=True)).run()


def measure(stamps: Sequence[Stamp], drawn: Plan, folder: Path, setting: Setting, seed: int) -> list[dict[str, object]]:
    """Measures retrieval: each subject's new image by its caption, among the new images of all subjects.

    Returns:
        Recall at 5 by kind, seed, language and group of subjects.
    """
    paths = _write_held_out(stamps, folder / "held-out", setting.held_out, seed)
    groups = groups_of(drawn.frequency)
    results: list[dict[str, object]] = []
    for kind in (_BALANCED, _AS_FOUND):
        for training in range(setting.seeds):
            encoder = Encoder(create(f"local-dir:{_output(folder, kind, training)}"), torch.device("cpu"))
            images = [encoder.images(of_variant)[0] for of_variant in paths]
            for language in LANGUAGES:
                subjects = [number for number, stamp in enumerate(stamps) if language in stamp.captions]
                texts = encoder.texts([stamps[number].captions[language] for number in subjects])
                own = torch.tensor(subjects)
                ranks = torch.stack([text_ranks(each, texts, own).worst for each in images])
                for group, members in groups.items():
                    rows = [row for row, number in enumerate(subjects) if number in members]
                    recall = recall_at(ranks[:, rows].flatten(), _PLACES)
                    about = {"kind": kind, "seed": training, "language": language, "group": group}
                    results.append(about | {"texts": len(rows), "recall@5": recall})
    return results


def groups_of(frequency: Sequence[int]) -> dict[str, set[int]]:
    """Returns the subjects in three groups by their number of images: the top tenth, the middle, the lower half."""
    order = sorted(range(len(frequency)), key=lambda number: (-frequency[number], number))
    tenth, half = len(order) // 10, len(order) - len(order) // 2
    return {"head": set(order[:tenth]), "middle": set(order[tenth:half]), "tail": set(order[half:])}


def table_of(results: list[dict[str, object]]) -> str:
    """Returns a table of means and standard deviations over the seeds, for groups of subjects and languages."""
    others = [language for language in LANGUAGES if language != "en"]
    lines: list[tuple[str, list[str], tuple[str, ...]]] = [
        ("English, head", ["en"], ("head",)),
        ("English, middle", ["en"], ("middle",)),
        ("English, tail", ["en"], ("tail",)),
        ("others, head", others, ("head",)),
        ("others, middle", others, ("middle",)),
        ("others, tail", others, ("tail",)),
        *((f"{language}, all", [language], ("head", "middle", "tail")) for language in LANGUAGES),
    ]
    rows = []
    for name, languages, groups in lines:
        by_kind = [_means(results, kind, languages, groups) for kind in (_AS_FOUND, _BALANCED)]
        if all(by_kind):
            rows.append([name, *map(_with_spread, by_kind)])
    return text_table(("recall@5, text to image", _AS_FOUND, _BALANCED), rows, "<>>")


def write_results(folder: Path, results: list[dict[str, object]]) -> None:
    """Writes all results to results.json beside the trainings."""
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def _with_spread(values: Sequence[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.1%} ± {spread:.1%}"


def _means(results: list[dict[str, object]], kind: str, languages: Sequence[str], groups: Sequence[str]) -> list[float]:
    """Returns the mean over all texts, for each seed."""
    by_seed: dict[object, list[tuple[float, float]]] = {}
    for one in results:
        if one["kind"] == kind and one["language"] in languages and one["group"] in groups and one["texts"]:
            by_seed.setdefault(one["seed"], []).append((float(str(one["recall@5"])), float(str(one["texts"]))))
    return [sum(recall * texts for recall, texts in of) / sum(texts for _, texts in of) for of in by_seed.values()]


def _write_held_out(stamps: Sequence[Stamp], folder: Path, variants: int, seed: int) -> list[list[Path]]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for variant in range(variants):
        of_variant = [folder / f"{variant}-{subject:04d}.jpg" for subject in range(len(stamps))]
        for subject, path in enumerate(of_variant):
            path.write_bytes(compose(stamps, subject, _HELD_OUT + variant * len(stamps) + subject, seed))
        paths.append(of_variant)
    return paths


def _output(folder: Path, kind: str, seed: int) -> Path:
    return folder / "trainings" / f"{kind.replace(' ', '-')}-{seed}"
