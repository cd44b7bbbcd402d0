"""Processor time of the main process and of the workers for an image, beside open_clip_train's loader, in one run.

`python -m benchmarks.trainer_loading [--quick]`, in the trainer's environment. All loaders crop at random to 224
pixels, tokenize with open_clip and make batches of 128 with two workers.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import open_clip
import torch

from benchmarks.cpu_time import ProcessorSeconds
from benchmarks.training_shards import SHARDS, write_shards
from metaclip_curate.trainer import CuratedPairs, LoaderOptions, PairLoader
from metaclip_curate.trainer.models.pixels import split_transform

_BATCH, _WORKERS, _SIZE = 128, 2, 224


def main(quick: bool = False) -> None:
    """Prints milliseconds an image.

    Args:
        quick: Whether to use fewer images and rounds.
    """
    torch.set_num_threads(1)
    images, rounds = (512, 1) if quick else (4096, 2)
    transform = open_clip.image_transform(_SIZE, is_train=True, aug_cfg={"scale": (0.9, 1.0)})
    pillow, torchs = (split_transform(transform, "", decoder)[0] for decoder in ("pil", "torch"))
    with tempfile.TemporaryDirectory() as folder:
        write_shards(Path(folder), images)
        ways: dict[str, Iterator[int]] = {
            "PairLoader, bytes, --decoder pil": _pair_loader(folder, pillow),
            "PairLoader, bytes, --decoder torch": _pair_loader(folder, torchs),
            "PairLoader, floats": _pair_loader(folder, transform),
            "open_clip_train": _open_clip_train(folder, images, transform),
        }
        best = {name: (float("inf"), float("inf")) for name in ways}
        for number in range(rounds + 1):
            for name, epochs in ways.items():
                start = ProcessorSeconds.now()
                read = next(epochs)
                used = ProcessorSeconds.now().since(start)
                if number:  # in the first epoch the workers start
                    found = (used.driver / read * 1000, used.workers / read * 1000)
                    best[name] = min(best[name], found, key=sum)
    print(f"\n{images:,} JPEG files, {_SIZE} pixels, batches of {_BATCH}, {_WORKERS} workers; processor ms an image\n")
    print(f"  {'':<36} {'main process':>13} {'workers':>9}")
    for name, (of_main, of_workers) in best.items():
        print(f"  {name:<36} {of_main:>13.3f} {of_workers:>9.2f}")


def _pair_loader(folder: str, transform: Callable[[Any], Any]) -> Iterator[int]:
    """Reads an epoch at a time and yields the number of its images."""
    pairs = CuratedPairs.offline(folder, transform=transform)
    tokenizer = open_clip.get_tokenizer("ViT-B-32-quickgelu")
    loader = PairLoader(pairs, _BATCH, tokenizer, LoaderOptions(_WORKERS))
    while True:
        yield sum(len(batch.images) for batch in loader)


def _open_clip_train(folder: str, images: int, transform: Callable[[Any], Any]) -> Iterator[int]:
    from open_clip_train import data

    # Newer releases of webdataset mark the end of a tar with a sample that open_clip_train 3.3 doesn't expect.
    data.tar_file_expander = functools.partial(data.tar_file_expander, eof_value=None)
    options = argparse.Namespace(
        train_data=f"{folder}/{{00000..{SHARDS - 1:05d}}}.tar",
        train_num_samples=images,
        train_data_upsampling_factors=None,
        dataset_resampled=False,
        seed=0,
        workers=_WORKERS,
        batch_size=_BATCH,
        world_size=1,
    )
    tokenizer = open_clip.get_tokenizer("ViT-B-32-quickgelu")
    info = data.get_wds_dataset(options, transform, is_train=True, tokenizer=tokenizer)
    epoch = 0
    while True:
        info.set_epoch(epoch)
        yield sum(len(batch[0]) for batch in info.dataloader)
        epoch += 1


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
