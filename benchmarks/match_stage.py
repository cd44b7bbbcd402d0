"""The match stage through Spark against `Matcher.match` alone, in pairs a second and core.

First the task alone, in this process: a worker's share of the stage, which takes the first row of each uid, matches it,
drops it if nothing matches, and counts. Then the stage, in processor seconds of the JVM and the workers together, by
plans that each end a step later: reading the pairs, the shuffle that deduplicates them, rows to Python, the task, the
written table. A run that isn't counted starts the session and builds the automata. The pairs of a synthetic WAT are
repeated with other uids, so that a job's fixed cost doesn't show.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from benchmarks.cpu_time import best_seconds, descendants_seconds
from benchmarks.inputs import made_wat
from benchmarks.local_spark import local_spark
from benchmarks.matching import ENTRIES, english_entries
from metaclip_curate.extract import read_pairs
from metaclip_curate.matching import Matcher
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import PAIRS, ddl
from metaclip_curate.stages.match import shuffle_by_language, write_matched
from metaclip_curate.stages.match_task import KNOWN, MatchStats, MatchTask, match_batches
from metaclip_curate.storage import StorageOptions

REPEATS = 10
_PAIRS_PER_TASK = 500_000
_ROUNDS = 3
_ROWS_PER_BATCH = 10_000  # Spark's
_ROWS = "rows bigint"


def main(quick: bool = False) -> None:
    """Prints the seconds of each step.

    Args:
        quick: Whether to use a tenth of the pairs and entries.
    """
    scale = 10 if quick else 1
    entries = english_entries(ENTRIES // scale)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "metadata").mkdir()
        (folder / "metadata" / "en.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
        pairs = _write_pairs(folder / "pairs", 100 // scale)
        digests = MetadataFolder.open(folder / "metadata").digests()
        task = MatchTask(str(folder / "metadata"), digests, "metaclip2", StorageOptions())
        batches = _as_spark_hands_them(pairs)
        matcher = Matcher(entries)
        alone = best_seconds(
            {
                "Matcher.match": partial(_match_alone, matcher, batches),
                "task": lambda: deque(match_batches(iter(batches), task, MatchStats()), maxlen=0),
            },
            5,
        )
        per_pair = {name: seconds / len(pairs) * 1e6 for name, seconds in alone.items()}
        print(f"\n{len(pairs):,} pairs, {len(entries):,} entries: microseconds a pair\n")
        for name, value in per_pair.items():
            print(f"  {name:<24} {value:>8.2f}")
        print(f"  Matcher.match / task: {per_pair['Matcher.match'] / per_pair['task']:.2f}")
        seconds = _stage_seconds(folder, task, len(pairs) * REPEATS)
    print(f"\n{len(pairs) * REPEATS:,} pairs through Spark: microseconds of a core a pair\n")
    for name, value in seconds.items():
        print(f"  {name:<24} {value / len(pairs) / REPEATS * 1e6:>8.2f}")
    whole = seconds["and write"] / len(pairs) / REPEATS * 1e6
    counted = whole - seconds["and shuffle, and sort"] / len(pairs) / REPEATS * 1e6
    print(f"\n  Matcher.match / task, transfers and writing: {per_pair['Matcher.match'] / counted:.2f} (goal: 0.75)")
    print(f"  Matcher.match / the whole stage: {per_pair['Matcher.match'] / whole:.2f}")


def _match_alone(matcher: Matcher, batches: list[pa.RecordBatch]) -> None:
    for batch in batches:
        matcher.match(batch.column("text"))


def _write_pairs(folder: Path, stored_mb: int) -> pa.Table:
    """Writes a WAT's pairs several times, each time with other uids; returns them once."""
    folder.mkdir()
    pairs = pa.Table.from_batches(list(read_pairs(str(made_wat(stored_mb)))))
    for number in range(REPEATS):
        uids = pc.binary_join_element_wise(f"{number:08x}", pc.utf8_slice_codeunits(pairs["uid"], 8), "")
        pq.write_table(pairs.set_column(0, "uid", uids), folder / f"part-{number}.parquet", compression="zstd")
    return pairs


def _as_spark_hands_them(pairs: pa.Table) -> list[pa.RecordBatch]:
    """Returns batches of pairs sorted by uid, as a task receives them."""
    ordered = pairs.sort_by("uid").append_column("metadata_lang", pa.repeat("en", len(pairs)))
    known = ordered.append_column(KNOWN, pa.repeat(False, len(pairs))).combine_chunks()
    return list(known.to_batches(max_chunksize=_ROWS_PER_BATCH))


def _pass_over(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_pydict({"rows": [sum(batch.num_rows for batch in batches)]})


def _match_only(task: MatchTask) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    return lambda batches: _pass_over(match_batches(batches, task, MatchStats()))


def _stage_seconds(folder: Path, task: MatchTask, rows: int) -> dict[str, float]:
    with local_spark() as spark:
        pairs = spark.read.schema(ddl(PAIRS)).parquet(str(folder / "pairs"))
        labels = {row["lang"]: "en" for row in pairs.select("lang").distinct().collect()}
        sizes = {"en": rows}

        def to_nowhere(frame: DataFrame) -> None:
            frame.write.format("noop").mode("overwrite").save()

        def placed() -> DataFrame:
            return shuffle_by_language(spark, pairs, None, labels, sizes, _PAIRS_PER_TASK)

        steps: dict[str, Callable[[], object]] = {
            "read": lambda: to_nowhere(pairs),
            "and shuffle, and sort": lambda: to_nowhere(placed()),
            "and rows to Python": lambda: placed().mapInArrow(_pass_over, _ROWS).collect(),
            "and the task": lambda: placed().mapInArrow(_match_only(task), _ROWS).collect(),
            "and write": lambda: write_matched(placed(), spark, task, str(folder / "matched")),
        }
        found: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(_ROUNDS):
            for name, step in steps.items():
                before = descendants_seconds()
                step()
                found[name].append(descendants_seconds() - before)
    return {name: min(seconds[1:]) for name, seconds in found.items()}  # the first round warms up


if __name__ == "__main__":
    main()
