"""Sampling: matched pairs a second and core, from Parquet to Parquet, and the share of each step.

The pool is the simulation's: a text has 3.5 entries on average, its strings are as long as real ones, and about 28 % of
the pairs are kept. First one worker's part, in this process; then the stage through Spark, in processor seconds of the
JVM and the workers together.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from benchmarks.cpu_time import best_seconds, descendants_seconds
from benchmarks.local_spark import local_spark
from benchmarks.simulation import ENTRIES, TEXTS, T, drawer
from metaclip_curate import balance
from metaclip_curate.options.draw import DrawOptions, TextsPerImage
from metaclip_curate.run.summaries import LanguageThreshold
from metaclip_curate.schemas import COUNTS, MANIFEST, MATCHED, ddl
from metaclip_curate.stages.after.datacard import language_totals
from metaclip_curate.stages.draw import DrawTask, draw_file, draw_files, read_batches
from metaclip_curate.stages.draw_rows import ORDERED, kept_rows
from metaclip_curate.stages.keep_probabilities import Head, LanguageHead, Probabilities
from metaclip_curate.stages.manifest import ManifestFiles, write_manifest
from metaclip_curate.stages.shared.passes import SparkPasses
from metaclip_curate.storage import StorageOptions

FILES, ROWS_PER_FILE = 8, 500_000
_ROUNDS = 3
_ROWS_PER_BATCH = 100_000
_GOAL = 500_000


def main(quick: bool = False) -> None:
    """Prints rates.

    Args:
        quick: Whether to use a twentieth of the pool.
    """
    rows = ROWS_PER_FILE // (20 if quick else 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files, counts = _write_pool(folder / "matched", rows)
        t = max(1, T * rows * FILES // TEXTS)
        ids = np.flatnonzero(counts > t)
        head = {"en": LanguageHead(ENTRIES, ids.astype(np.int32), balance.entry_probabilities(counts[ids], t))}
        _print_worker(files, head, folder / "alone", rows)
        with local_spark() as spark:
            _print_stages(spark, files, head, folder, counts, t)


def _write_pool(folder: Path, rows: int) -> tuple[list[str], balance.Counts]:
    """Writes files of matched pairs like the match stage's; returns them and the entry counts."""
    folder.mkdir()
    files, counts = [], np.zeros(ENTRIES, dtype=np.int64)
    for number in range(FILES):
        files.append(str(folder / f"part-{number}.parquet"))
        starts = range(number * rows, (number + 1) * rows, min(_ROWS_PER_BATCH, rows))
        indexes = (pa.array(range(start, start + starts.step)) for start in starts)
        with pq.ParquetWriter(files[-1], MATCHED, compression="zstd") as writer:
            for batch in drawer()(pa.RecordBatch.from_arrays([index], ["id"]) for index in indexes):
                writer.write_batch(batch)
                counts += np.bincount(batch.column("entry_ids").flatten(), minlength=ENTRIES)
    return files, counts


def _print_worker(files: list[str], head: Head, kept: Path, rows: int) -> None:
    task = DrawTask(files[:1], head, DrawOptions(), str(kept), StorageOptions())

    def read() -> None:
        for _ in read_batches(task, 0, MATCHED.names):
            pass

    def draw() -> None:
        probabilities = Probabilities(head)
        for batch in read_batches(task, 0, MATCHED.names):
            kept_rows(batch, probabilities.of(batch), 0)

    steps: dict[str, Callable[[], object]] = {
        "read": read,
        "and draw": draw,
        "and write": lambda: draw_file(task, 0, None),
    }
    seconds = best_seconds(steps, 5)
    stored = Path(files[0]).stat().st_size / rows
    print(f"\nOne worker, {rows:,} matched pairs of {stored:.0f} bytes stored, {draw_file(task, 0, None)[1]:,} kept\n")
    print(f"  {'':<12} {'pairs/s':>10} {'share of all':>13}")
    before = 0.0
    for name, value in seconds.items():
        print(f"  {name:<12} {rows / value:>10,.0f} {(value - before) / seconds['and write']:>13.0%}")
        before = value
    print(f"  goal: {_GOAL:,} with everything")


def _passes(tables: Mapping[str, DataFrame]) -> SparkPasses:
    return SparkPasses(lambda stage, name, schema: tables[name])


def _print_stages(
    spark: SparkSession, files: list[str], head: Head, folder: Path, counts: balance.Counts, t: int
) -> None:
    table = pa.table([pa.repeat("en", ENTRIES), range(ENTRIES), pa.repeat("", ENTRIES), counts], schema=COUNTS)
    pq.write_table(table, folder / "counts.parquet")
    counted = spark.read.schema(ddl(COUNTS)).parquet(str(folder / "counts.parquet"))
    thresholds = [LanguageThreshold("en", t, 0.0, 0, ENTRIES, 0, 0, 0.0)]
    matched = spark.read.schema(ddl(MATCHED)).parquet(*files)
    for texts in ("all", "one"):
        work, manifest = str(folder / f"kept-{texts}"), str(folder / f"manifest-{texts}")
        task = DrawTask(files, head, DrawOptions(texts_per_image=_texts(texts)), work, StorageOptions())
        laps: dict[str, list[tuple[float, float]]] = {}
        for _ in range(_ROUNDS):  # the first round warms up, and the best is printed
            clock = _Clock(laps)
            rows, kept = draw_files(spark, task)
            clock.lap("draw, to kept pairs")
            drawn = spark.read.schema(ddl(ORDERED)).parquet(work)
            write_manifest(spark, drawn, kept, ManifestFiles(manifest, 250_000, task.storage))
            clock.lap("random order, manifest files")
            tables = {
                "matched": matched,
                "manifest": spark.read.schema(ddl(MANIFEST)).parquet(manifest),
                "counts": counted,
            }
            language_totals(_passes(tables), thresholds)
            clock.lap("sums of the data card")
        print(f"\nThrough Spark on two cores, --texts-per-image {texts}: {rows:,} matched pairs, {kept:,} kept\n")
        print(f"  {'':<30} {'wall s':>8} {'core s':>8} {'pairs/core s':>13} {'first':>13}")
        for name, rounds in laps.items():
            wall, core = min(rounds)
            print(f"  {name:<30} {wall:>8.1f} {core:>8.1f} {rows / core:>13,.0f} {rows / rounds[0][1]:>13,.0f}")


def _texts(name: str) -> TextsPerImage:
    return "one" if name == "one" else "all"


class _Clock:
    """Appends the wall and processor seconds of steps to the lists of `laps`."""

    def __init__(self, laps: dict[str, list[tuple[float, float]]]) -> None:
        self._laps = laps
        self._since = time.perf_counter(), descendants_seconds()

    def lap(self, name: str) -> None:
        now = time.perf_counter(), descendants_seconds()
        self._laps.setdefault(name, []).append((now[0] - self._since[0], max(now[1] - self._since[1], 0.01)))
        self._since = now


if __name__ == "__main__":
    main()
