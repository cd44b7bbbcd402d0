"""Counting the epochs of MetaCLIP 2's data, on made tables that stand for 400,000 shards.

`python -m benchmarks.online_epochs [--quick]`, in the trainer's environment.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metaclip_curate.balance import Floats
from metaclip_curate.schemas import MATCHED
from metaclip_curate.trainer.data.entry_order import spread_entries
from metaclip_curate.trainer.data.epoch_size import EpochCounter
from metaclip_curate.trainer.data.sampler import EpochSampler
from metaclip_curate.trainer.data.selection import Selection
from metaclip_curate.trainer.data.subset import read_uids
from metaclip_curate.trainer.data.webdataset_source import WebdatasetShards

_SHARDS, _IMAGES, _TEXTS = 400_000, 10_000, 13_000  # a shard of a download, 1.3 texts an image
_ENTRIES, _LANGUAGES = 500_000, 20
_UIDS = 2_500_000_000


def main(quick: bool = False) -> None:
    """Prints times and sizes, measured and extrapolated.

    Args:
        quick: Whether to use fewer tables.
    """
    shards, uids = (2, 200_000) if quick else (24, 8_000_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(0)
        for shard in range(shards):
            _write_texts(folder / f"{shard:05d}.parquet", random)
        (folder / "sizes.json").write_text(json.dumps({f"{shard:05d}.tar": _IMAGES for shard in range(shards)}))
        seconds = _count(folder)
        print(
            f"\ncounting an epoch online: {seconds:.3f} core-seconds a shard of {_TEXTS:,} texts, measured on {shards}"
        )
        for ranks in (8, 64, 384):
            print(
                f"  {_SHARDS:,} shards, {ranks:>3} ranks: {_SHARDS / ranks * seconds / 60:>8,.1f} core-minutes a rank"
            )
        _sample()
        _spread(random)
        _sort(folder / "manifest", random, uids)


def _write_texts(path: Path, random: np.random.Generator) -> None:
    """Writes the table of a shard: images with one or more texts in several languages."""
    image_of_text = np.sort(np.concatenate([np.arange(_IMAGES), random.integers(0, _IMAGES, _TEXTS - _IMAGES)]))
    numbers = random.geometric(0.3, _TEXTS).astype(np.int32)
    ids = (random.random(int(numbers.sum())) ** 4 * _ENTRIES).astype(np.int32)
    ends = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int32)
    fields = {
        "uid": pa.array([random.bytes(16).hex() for _ in range(_TEXTS)]),
        "text": pa.array([f"a text about picture {number} in some detail" for number in range(_TEXTS)]),
        "metadata_lang": pa.array([f"l{number}" for number in random.integers(0, _LANGUAGES, _TEXTS)]),
        "entry_ids": pa.ListArray.from_arrays(pa.array(ends), pa.array(ids)),
    }
    structs = pa.StructArray.from_arrays(
        [fields[name].cast(MATCHED.field(name).type) for name in fields],
        fields=[MATCHED.field(name) for name in fields],
    )
    offsets = np.searchsorted(image_of_text, np.arange(_IMAGES + 1)).astype(np.int32)
    table = {
        "key": [f"{path.stem}{image:04d}" for image in range(_IMAGES)],
        "status": ["success"] * _IMAGES,
        "texts": pa.ListArray.from_arrays(pa.array(offsets), structs),
    }
    pq.write_table(pa.table(table), path)


def _count(folder: Path) -> float:
    """Returns processor seconds a shard."""
    source = WebdatasetShards(str(folder))
    probabilities: dict[str, Floats] = {
        f"l{number}": np.random.default_rng(number).random(_ENTRIES) for number in range(_LANGUAGES)
    }
    counter = EpochCounter(source, Selection(0, {}, probabilities))
    start = time.process_time()
    found = counter.count(0)
    seconds = (time.process_time() - start) / len(source.names)
    if abs(found.counts.sum() / found.expected - 1) > 0.02:
        raise RuntimeError(f"{found.counts.sum():,} samples were drawn where {found.expected:,.0f} were expected")
    return seconds


def _sample() -> None:
    """Measures the order of an epoch of all shards."""
    counts = np.random.default_rng(0).integers(2000, 3000, (_SHARDS, 1))
    start = time.process_time()
    sampler = EpochSampler(counts, 384 * 6, 256, seed=0, epoch=0)
    sampler.locate(5, 100)
    first = time.process_time() - start
    start = time.process_time()
    for index in range(10_000):
        sampler.locate(7, index)
    print(f"\norder of {len(sampler):,} samples of {_SHARDS:,} shards: {first:.2f} s to begin, ", end="")
    microseconds = (time.process_time() - start) / 10_000 * 1e6
    print(f"{microseconds:.1f} us a sample; {counts.size * 4 / 1e6:.1f} MB in a checkpoint")


def _spread(random: np.random.Generator) -> None:
    """Measures `--batch-by entries` on windows of 256 samples."""
    lists = [np.unique((random.random(random.geometric(0.3)) ** 4 * _ENTRIES).astype(int)).tolist() for _ in range(256)]
    windows, entry_ids = 20, pa.array(lists, pa.list_(pa.int32()))
    start = time.process_time()
    for _ in range(windows):
        spread_entries(entry_ids)
    microseconds = (time.process_time() - start) / windows / len(lists) * 1e6
    seconds = microseconds * 32_768 / 1e6
    print(f"\n--batch-by entries: {microseconds:.1f} us a sample, {seconds:.2f} core-seconds for a batch of 32,768")


def _sort(folder: Path, random: np.random.Generator, uids: int) -> None:
    """Measures the file of sorted uids."""
    folder.mkdir()
    for part in range(8):
        digits = random.bytes(uids // 8 * 16).hex()
        values = pa.array([digits[start : start + 32] for start in range(0, len(digits), 32)])
        pq.write_table(pa.table({"uid": values}), folder / f"part-{part:05d}.parquet")
    start = time.process_time()
    found = read_uids(str(folder))
    seconds = time.process_time() - start
    asked = pq.read_table(folder / "part-00000.parquet")["uid"].combine_chunks()[:_IMAGES]
    start = time.process_time()
    if not found.contains(asked).all():
        raise RuntimeError("a uid isn't found")
    milliseconds = (time.process_time() - start) * 1000
    print(f"\nsorted file of {uids:,} uids: {seconds:.1f} core-seconds, {milliseconds:.1f} ms for {_IMAGES:,} look-ups")
    print(f"  of {_UIDS:,}: {seconds * _UIDS / uids / 3600:.1f} core-hours once, ", end="")
    print(f"{_UIDS * 16 / 2**30:.1f} GiB in a file that all processes map")


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
