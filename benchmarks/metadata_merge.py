"""Merging metadata: entries a second in one list, and the selection of a large language's best unigrams by Spark.

The limits are English's: 148,730 names of synsets, then unigrams, bigrams and titles up to 500,000 entries in all, with
a third of the candidates repeated. Then the best of 27 million distinct unigrams, as many as English Wikipedia has.
"""

from __future__ import annotations

import time
from fractions import Fraction
from itertools import pairwise

from pyspark.sql import functions as F

from benchmarks.local_spark import local_spark
from benchmarks.peak_memory import peak_mb
from metaclip_curate.metadata.building.merge import Candidates, MergedList, is_usable
from metaclip_curate.metadata.lists.writer import list_bytes
from metaclip_curate.options.merge_metadata import SourceLimits
from metaclip_curate.stages.metadata.merge import rank

_WORDNET = 148_730
_SOURCES = (("unigrams", 251_465), ("bigrams", 100_646), ("titles", 61_235))
_UNIGRAMS = 27_000_000


def main(quick: bool = False) -> None:
    """Prints rates.

    Args:
        quick: Whether to use a tenth of the entries, and 500,000 unigrams.
    """
    scale = 10 if quick else 1
    _merge(scale)
    _rank(500_000 if quick else _UNIGRAMS, scale)


def _merge(scale: int) -> None:
    names = [f"name {number:x}" for number in range(_WORDNET // scale)]
    sources = [Candidates("wordnet", names)]
    known = list(names)
    for source, limit in _SOURCES:
        most = limit // scale
        fresh = [f"{source[0]}{number:x}" for number in range(most)]
        entries = [entry for pair in zip(fresh, known[::2], strict=False) for entry in pair] + fresh[len(known[::2]) :]
        sources.append(Candidates(source, entries, [float(len(entries) - rank) for rank in range(len(entries))], most))
        known += fresh
    candidates = sum(len(source.entries) for source in sources)
    laps = [time.process_time()]
    usable = [sum(is_usable(entry, 256) for entry in source.entries) for source in sources]
    laps.append(time.process_time())
    merged = MergedList()
    for each in sources:
        merged.add(each)
    laps.append(time.process_time())
    merged.table()
    laps.append(time.process_time())
    packed = list_bytes(merged.entries, "txt.zst")
    laps.append(time.process_time())
    print(f"{sum(usable):,} candidates, {len(merged.entries):,} entries, {len(packed):,} bytes of .txt.zst")
    print(f"{'step':<28} {'seconds':>8} {'candidates/s':>13}")
    steps = ("usable or not", "merge", "table of origins", "list at zstd 19")
    for step, (before, after) in zip(steps, pairwise(laps), strict=True):
        print(f"{step:<28} {after - before:>8.2f} {candidates / (after - before):>13,.0f}")


def _rank(unigrams: int, scale: int) -> None:
    limits = SourceLimits(1, Fraction(1, 10), 251_465 // scale)
    with local_spark({"spark.driver.memory": "2g"}) as spark:
        rows = spark.range(unigrams).select(
            F.concat(F.lit("word"), F.hex("id")).alias("entry"),
            (F.lit(1) + F.pmod(F.xxhash64("id"), F.lit(10_000_000))).cast("bigint").alias("count"),
        )
        begun = time.perf_counter()
        found = rank(rows, "count", limits, _WORDNET // scale, 256)
        seconds = time.perf_counter() - begun
    peak = peak_mb()
    kept = len(found.entries)
    print(f"\nthe best {kept:,} of {unigrams:,} unigrams by Spark on 2 cores: {seconds:.1f} s,", end=" ")
    print(f"{unigrams / seconds:,.0f} unigrams/s; the driver's Python peaks at {peak:,.0f} MB")


if __name__ == "__main__":
    main()
