"""Reading images for training: `CuratedPairs` and `PairLoader` against a bare PIL loop and webdataset alone, one core.

It runs in the trainer's environment: `python -m benchmarks.trainer [--quick]`. All readers decode the same JPEG files,
with 256 pixels on the shorter side, and resize them to 224. They take turns in every round; processor seconds count.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import webdataset
from PIL import Image

from benchmarks.cpu_time import best_seconds
from benchmarks.training_shards import SHARDS, write_shards
from metaclip_curate.trainer import CuratedPairs, PairLoader

_SIZE = 224


def main(quick: bool = False) -> None:
    """Prints images per second and ratios.

    Args:
        quick: Whether to use fewer images and rounds.
    """
    torch.set_num_threads(1)
    images, rounds = (160, 2) if quick else (1600, 3)
    with tempfile.TemporaryDirectory() as folder:
        files = write_shards(Path(folder), images)
        tars = sorted(str(path) for path in Path(folder).glob("*.tar"))
        ways: dict[str, Callable[[], int]] = {
            "bare PIL loop, files in memory": lambda: sum(1 for data in files if _resized(data) is not None),
            "webdataset alone": lambda: sum(1 for _ in _webdataset(tars)),
            "CuratedPairs": lambda: sum(1 for _ in CuratedPairs.offline(folder, transform=_transform)),
            "PairLoader, no workers": lambda: _batches(folder),
            "CuratedPairs, no decoding": lambda: _undecoded(folder),
        }
        for name, way in ways.items():
            if (found := way()) != images:
                raise RuntimeError(f"{name} gave {found} of {images} images")
        seconds = best_seconds(ways, rounds)
    bare = seconds["bare PIL loop, files in memory"]
    alone = seconds["webdataset alone"]
    print(f"\n{images:,} JPEG files of {sum(map(len, files)) / images / 1000:.0f} KB in {SHARDS} shards\n")
    print(f"  {'':<32} {'images/s':>9} {'of the bare loop':>17} {'of webdataset':>14}")
    for name, taken in seconds.items():
        print(f"  {name:<32} {images / taken:>9,.0f} {bare / taken:>17.2f} {alone / taken:>14.2f}")


def _transform(image: Image.Image) -> torch.Tensor:
    resized = image.resize((_SIZE, _SIZE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(resized).copy()).permute(2, 0, 1)


def _resized(data: bytes) -> torch.Tensor:
    return _transform(Image.open(io.BytesIO(data)).convert("RGB"))


def _webdataset(tars: list[str]) -> Iterator[tuple[torch.Tensor, str]]:
    """Yields samples by the library alone, with its shuffle buffer."""
    samples = webdataset.WebDataset(tars, shardshuffle=False).shuffle(256)
    for sample in samples:
        yield _resized(sample["jpg"]), sample["txt"].decode("utf-8")


def _batches(folder: str) -> int:
    loader = PairLoader(CuratedPairs.offline(folder, transform=_transform), batch_size=50)
    return sum(len(batch.uids) for batch in loader)


def _undecoded(folder: str) -> int:
    """Returns the number of pairs after reading, drawing and shuffling, without decoding."""
    dataset = CuratedPairs.offline(folder)
    sampler = dataset.sampler()
    return sum(1 for _ in dataset.read_stored(0, len(sampler), 0, 1))


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
