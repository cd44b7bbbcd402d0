"""The stages dedup and match through Spark against `Matcher.match` alone, in microseconds per pair.

First matching alone, in this process. Then both stages, in processor seconds of the JVM and the workers together, on
files without a repeated pair, which is the most work that they can have. A run that isn't counted starts the workers
and builds the automata. The pairs of a synthetic WAT are repeated with other uids, so that a job's fixed cost doesn't
show.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.cpu_time import best_seconds, descendants_seconds
from benchmarks.inputs import made_wat
from benchmarks.local_spark import local_spark
from benchmarks.matching import ENTRIES, english_entries
from metaclip_curate.extract import read_pairs
from metaclip_curate.language import LabelRule, LanguageIdentifier
from metaclip_curate.matching import Matcher
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.stages.dedup import write_distinct
from metaclip_curate.stages.dedup_task import DedupTask, RankedFile
from metaclip_curate.stages.match import MatchTask, write_matched
from metaclip_curate.storage import StorageOptions

REPEATS = 10
_PAIRS_PER_FILE = 500_000
_ROUNDS = 3


def main(quick: bool = False) -> None:
    """Prints the microseconds of each step.

    Args:
        quick: Whether to use a tenth of the pairs and entries.
    """
    scale = 10 if quick else 1
    entries = english_entries(ENTRIES // scale)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "metadata").mkdir()
        (folder / "metadata" / "en.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
        files, pairs = _write_pairs(folder / "pairs", 100 // scale)
        matcher, texts = Matcher(entries), pairs.column("text").combine_chunks()
        alone = best_seconds({"Matcher.match": lambda: matcher.match(texts)}, _ROUNDS)["Matcher.match"]
        seconds = _stage_seconds(folder, files)
    rows = sum(file.rows for file in files)
    print(f"\n{rows:,} pairs, {len(entries):,} entries; core-microseconds per pair\n")
    print(f"  {'Matcher.match':<14} {alone / len(pairs) * 1e6:>8.2f}")
    for name, value in seconds.items():
        print(f"  {name:<14} {value / rows * 1e6:>8.2f}")
    print("\n  goal: match at most 5")


def _write_pairs(folder: Path, stored_mb: int) -> tuple[list[RankedFile], pa.Table]:
    """Writes a WAT's pairs several times, each time with other uids; returns the files, and the pairs once."""
    folder.mkdir()
    pairs = pa.Table.from_batches(list(read_pairs(str(made_wat(stored_mb)))))
    files = []
    for number in range(REPEATS):
        uids = pc.binary_join_element_wise(f"{number:08x}", pc.utf8_slice_codeunits(pairs["uid"], 8), "")
        path = folder / f"part-{number}.parquet"
        pq.write_table(pairs.set_column(0, "uid", uids), path, compression="zstd")
        files.append(RankedFile(str(path), len(pairs), number))
    return files, pairs


def _stage_seconds(folder: Path, files: list[RankedFile]) -> dict[str, float]:
    digests = MetadataFolder.open(folder / "metadata").digests()
    dedup = DedupTask(files, (), {}, LabelRule(), "", _PAIRS_PER_FILE, 1, 0)
    distinct = folder / "distinct"
    with local_spark() as spark:

        def match() -> None:
            written = [str(path) for path in sorted(distinct.iterdir())]
            languages = dict.fromkeys(LanguageIdentifier().labels(), "en")
            metadata = str(folder / "metadata")
            task = MatchTask(written, LabelRule(), languages, metadata, digests, "metaclip2", StorageOptions())
            write_matched(spark, task, str(folder / "matched"), str(folder / "screened"))

        steps: dict[str, Callable[[], object]] = {
            "dedup": lambda: write_distinct(spark, dedup, str(distinct)),
            "match": match,
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
