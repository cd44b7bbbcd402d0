"""Reading a pool: Parquet to pairs, with reading and hashing apart, and the memory of a task by the size of the file.

Times are processor seconds of one core, the best of several rounds in which all take turns.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.cpu_time import best_seconds
from benchmarks.inputs import ROOT
from benchmarks.peak_memory import peak_mb
from metaclip_curate.extract import InputStats, ReadOptions, read_pairs
from metaclip_curate.extract.pair_columns import image_id_column, new_uids, pair_uids, uid_column
from metaclip_curate.extract.pools.columns import find_columns
from metaclip_curate.extract.pools.parquet_rows import RowGroups, open_parquet_pool, read_parquet, split_by_rows
from metaclip_curate.options.pool import PoolOptions
from metaclip_curate.stages.extract_task import LAYOUT, ExtractTask, InputPart, write_pairs_of
from metaclip_curate.stages.shared.parquet_files import write_file
from metaclip_curate.storage import StorageOptions

_OPTIONS = PoolOptions(id_column="uid")
_GROUP_ROWS = 100_000
_WORDS = (
    *("photo", "of", "a", "red", "vintage", "car", "in", "front", "the", "old", "town", "hall", "with", "people"),
    *("walking", "by", "at", "sunset", "landscape"),
)
_PHRASES = [" ".join(_WORDS[(number * step) % len(_WORDS)] for step in (1, 3, 5, 7)) for number in range(997)]
_READING, _HASHING, _PAIRS, _WRITTEN = "reading", "reading and hashing", "to pairs", "to pairs, written"
_GOAL, _GOAL_MB = 400_000, 500


def main(quick: bool = False) -> None:
    """Prints the tables.

    Args:
        quick: Whether to use a small file and few rounds.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows = 100_000 if quick else 500_000
        _print_rates(_made_pool(Path(folder) / "pool.parquet", rows), rows, 1 if quick else 3)
        _print_memory(Path(folder), (200_000,) if quick else (1_000_000, 3_000_000))


def _print_rates(path: Path, rows: int, rounds: int) -> None:
    found = best_seconds({name: _over(path, way) for name, way in _ways().items()}, rounds)
    print(f"\nParquet, {rows:,} pairs, {path.stat().st_size / 1e6:.0f} MB stored\n")
    print(f"  {'':<20} {'s':>8} {'pairs/s':>12}")
    for name, seconds in found.items():
        print(f"  {name:<20} {seconds:>8.2f} {rows / seconds:>12,.0f}")
    print(f"  goal: {_PAIRS} at least {_GOAL:,} pairs/s and core")


def _ways() -> dict[str, Callable[[Path], object]]:
    return {_READING: _read, _HASHING: _hash, _PAIRS: _to_pairs, _WRITTEN: _write}


def _over(path: Path, way: Callable[[Path], object]) -> Callable[[], object]:
    return lambda: way(path)


def _read(path: Path) -> int:
    with path.open("rb", buffering=0) as file, open_parquet_pool(file) as parquet:
        raw = read_parquet(parquet, lambda names: find_columns(names, _OPTIONS), None, InputStats(path.name))
        return sum(each.rows.num_rows for each in raw)


def _hash(path: Path) -> int:
    seen: set[bytes] = set()
    with path.open("rb", buffering=0) as file, open_parquet_pool(file) as parquet:
        raw = read_parquet(parquet, lambda names: find_columns(names, _OPTIONS), None, InputStats(path.name))
        for each in raw:
            urls, texts = each.rows.column("url"), each.rows.column("text")
            uids = pair_uids(urls, texts)
            new_uids(uids, seen)
            uid_column(uids)
            image_id_column(urls)
    return len(seen)


def _to_pairs(path: Path) -> int:
    return sum(batch.num_rows for batch in read_pairs(str(path), ReadOptions(pool=_OPTIONS)))


def _write(path: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        batches = read_pairs(str(path), ReadOptions(pool=_OPTIONS))
        return write_file(batches, LAYOUT, folder, lambda: "pairs.parquet", StorageOptions()).rows


def _print_memory(folder: Path, rows: Sequence[int]) -> None:
    print("\nPeak memory of a task that writes the pairs of a file, or of the last part of it\n")
    print(f"  {'':<28} {'MB stored':>10} {'tasks':>6} {'pairs':>10} {'files':>6} {'peak, MB':>9}")
    for number in rows:
        for name, path in _made_files(folder, number):
            command = [sys.executable, "-m", "benchmarks.pool", str(path)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
            peak, tasks, pairs, files = json.loads(answer.stdout)
            size = path.stat().st_size / 1e6
            print(f"  {name:<28} {size:>10.0f} {tasks:>6} {pairs:>10,} {files:>6} {peak:>9.0f}")
            path.unlink()
    print(f"  goal: below {_GOAL_MB} MB, whatever the size of the file and of its row groups")


def _made_files(folder: Path, rows: int) -> Iterator[tuple[str, Path]]:
    """Writes a pool in each form whose memory differs."""
    path = _made_pool(folder / "a.parquet", rows)
    whole = pq.read_table(path)
    yield f"row groups of {_GROUP_ROWS:,}", path
    # A second column of texts, which are long.
    texts = pc.binary_repeat(whole.column("text"), 4)
    pq.write_table(whole.append_column("long", texts), folder / "b.parquet", compression="zstd", row_group_size=rows)
    yield "one row group, long texts", folder / "b.parquet"
    with (folder / "c.jsonl").open("wb") as file:
        for batch in whole.to_batches(_GROUP_ROWS):
            file.writelines(msgspec.json.encode(row) + b"\n" for row in batch.to_pylist())
    yield "JSON lines", folder / "c.jsonl"


def _write_last_part(path: str) -> tuple[float, int, int, int]:
    """Returns the peak of memory in MB, the number of the file's tasks, and those of the last one's pairs and files."""
    parts: list[RowGroups | None] = [None]
    columns = _OPTIONS
    if path.endswith(".parquet"):
        with pq.ParquetFile(path) as file:
            parts = list(split_by_rows([file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]))
            if "long" in file.schema_arrow.names:
                columns = replace(_OPTIONS, text_column=("text", "long"))
    task = ExtractTask(ReadOptions(pool=columns), StorageOptions())
    with tempfile.TemporaryDirectory() as folder:
        files, stats = write_pairs_of(InputPart(path, parts[-1]), task, folder)
    return peak_mb(), len(parts), stats.pairs, len(files)


def _made_pool(path: Path, rows: int) -> Path:
    """Writes a pool whose strings are as long as those of real ones."""
    schema = pa.schema([("uid", pa.string()), ("url", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first in range(0, rows, _GROUP_ROWS):
            numbers = range(first, min(rows, first + _GROUP_ROWS))
            ids = [hashlib.md5(b"%d" % number).hexdigest() for number in numbers]
            urls = [
                f"https://images.{each[:3]}.example/wp-content/uploads/2023/05/{each[:20]}-large.jpg" for each in ids
            ]
            texts = [
                f"{_PHRASES[number % 997]} {_PHRASES[number % 991]} {each[20:26]}"
                for number, each in zip(numbers, ids, strict=True)
            ]
            writer.write_table(pa.table([ids, urls, texts], schema=schema))
    return path


if __name__ == "__main__":
    print(json.dumps(_write_last_part(sys.argv[1])))
