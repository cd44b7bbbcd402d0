"""MetaCLIP's own pool, scaled down, through the real stages: count, balance, sample.

The paper ("Demystifying CLIP Data", arXiv 2309.16671, sections 3.2 to 3.4) describes its pool: 1.6 billion English
texts and 500,000 entries, of which 114,000 never match and 16,000 have more than 20,000 matches each, 94.5 % of all
5.67 billion matches; balancing at t = 20,000 keeps 400 million. The pool here has as many entries, and texts, matches
and t divided by the same number. Entry counts follow two power laws that meet at rank 16,000 and t, with exponents that
yield the paper's sums. A text's number of entries is log-normal with the paper's mean. Which entries occur together in
a text is unknown; here they are independent. Everything random is a hash of (seed, index).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.local_spark import local_spark, timed
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.run.summaries import LanguageThreshold
from metaclip_curate.schemas import MATCHED, ddl
from metaclip_curate.stages.after.datacard import language_totals
from metaclip_curate.stages.balance import balance
from metaclip_curate.stages.count import CountTask, write_counts
from metaclip_curate.stages.draw import DrawTask, draw_files
from metaclip_curate.stages.sample import head_entries
from metaclip_curate.stages.shared.passes import SparkPasses
from metaclip_curate.storage import StorageOptions

ENTRIES, UNMATCHED, HEAD = 500_000, 114_000, 16_000
TEXTS, MATCHES, T = 1_600_000_000, 5_670_000_000, 20_000
KEPT, HEAD_SHARE = 400_000_000, 0.945
# Exponents for the paper's sums: 5.36 billion matches above rank 16,000, and 312 million below.
HEAD_EXPONENT, TAIL_EXPONENT = 1.105, 1.98
# Standard deviation of the logarithm of a text's number of entries; alt texts have one word up to a page.
LENGTH_SIGMA = 1.0
SEED = 1
_WORK = 400
_VOCABULARY = tuple(
    f"{first}{second}"
    for first in ("photo", "blue", "of", "sum", "the", "wood", "house", "in")
    for second in (
        "",
        "er",
        "ing",
        "stone",
        "land",
        "s",
        "way",
        "side",
        "man",
        "light",
        "bird",
        "tree",
        "shop",
        "ware",
        "field",
        "port",
    )
)

Floats = npt.NDArray[np.float64]


def main(quick: bool = False) -> None:
    """Prints the results beside the paper's.

    Args:
        quick: Whether to use a pool ten times smaller.
    """
    scale = 4_000 if quick else _WORK
    with local_spark() as spark, timed() as clock:
        pool, folder = matched_pool(spark, TEXTS // scale), clock.folder
        task = CountTask(_NamedEntries(), f"{folder}/counts", StorageOptions())
        pool.write.parquet(f"{folder}/matched")
        matched = spark.read.schema(ddl(MATCHED)).parquet(f"{folder}/matched")
        clock.lap("generate")
        write_counts(matched, task)
        counts = spark.read.parquet(f"{folder}/counts")
        clock.lap("count")
        draw = DrawOptions(seed=SEED)
        row = balance(matched, counts, BalanceOptions(t=T // scale), draw).to_pylist()[0]
        clock.lap("balance")
        head = head_entries(counts, [("en", row["t"], row["entries"])])
        files = sorted(map(str, (folder / "matched").glob("*.parquet")))
        draw_files(spark, DrawTask(files, head, draw, f"{folder}/kept", StorageOptions()))
        kept = spark.read.parquet(f"{folder}/kept")
        clock.lap("sample")
        tables = {"matched": matched, "manifest": kept, "counts": counts}
        passes = SparkPasses(lambda stage, name, schema: tables[name])
        totals = asdict(language_totals(passes, [LanguageThreshold(**row)])[0])
        head_entries_found = counts.filter(F.col("count") >= row["t"]).count()
    _print(scale, row, totals, head_entries_found)
    clock.print()


def _print(scale: int, row: dict[str, float], totals: dict[str, float], head: int) -> None:
    before = totals["head_matches_in"] / (totals["head_matches_in"] + totals["tail_matches_in"])
    after = totals["head_matches_out"] / (totals["head_matches_out"] + totals["tail_matches_out"])
    lines = [
        ("texts, scaled up", TEXTS, totals["pairs_in"] * scale),
        ("matches, scaled up", MATCHES, row["matches"] * scale),
        ("entries", ENTRIES, row["entries"]),
        ("entries never matched", UNMATCHED, row["entries_unmatched"]),
        ("head entries", HEAD, head),
        ("head's share of matches before", HEAD_SHARE, before),
        ("head's share of matches after", None, after),
        ("tail share at t", 1 - HEAD_SHARE, row["tail_share"]),
        ("expected pairs, scaled up", KEPT, row["expected_pairs"] * scale),
        ("kept pairs, scaled up", KEPT, totals["pairs_out"] * scale),
        ("kept of texts", KEPT / TEXTS, totals["pairs_out"] / totals["pairs_in"]),
    ]
    print(f"\nMetaCLIP-400M's pool divided by {scale:,}, t = {T // scale}\n")
    print(f"{'':<32} {'paper':>15} {'here':>15}")
    for name, paper, here in lines:
        print(f"{name:<32} {_shown(paper):>15} {_shown(here):>15}")
    print(
        "\nEntries that the paper's pool matches less than the divisor's number of times are often missing from a pool "
        "this\nsmall, and add to those never matched. Kept pairs depend on which entries occur together in a text, "
        "which the\npaper doesn't report: independent entries spread the tail over more texts than the real ones do."
    )


def _shown(value: float | None) -> str:
    if value is None:
        return "not reported"
    return f"{value:.1%}" if value < 1 else f"{value:,.0f}"


def entry_counts() -> Floats:
    """Returns the paper's count of each entry by rank, shape (ENTRIES,)."""
    rank = np.arange(1, ENTRIES + 1, dtype=np.float64)
    counts = T * (HEAD / rank) ** np.where(rank <= HEAD, HEAD_EXPONENT, TAIL_EXPONENT)
    counts[ENTRIES - UNMATCHED :] = 0
    return counts


class _NamedEntries:
    """Entries `e0`, `e1` and so on of English."""

    def groups(self) -> Sequence[Sequence[str]]:
        return [("en",)]

    def read(self, language: str) -> Sequence[str]:
        return [f"e{number}" for number in range(ENTRIES)]


def matched_pool(spark: SparkSession, texts: int) -> DataFrame:
    """Draws a pool of matched texts."""
    return spark.range(texts).mapInArrow(drawer(), ddl(MATCHED))


def drawer() -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Returns a function from batches of numbers to batches of matched texts."""
    # The mean of a log-normal is exp(mu + sigma^2 / 2); a text has at least one entry.
    mu = np.log(MATCHES / TEXTS) - LENGTH_SIGMA**2 / 2

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        cumulated = np.cumsum(entry_counts())
        for batch in batches:
            index = batch.column(0).to_numpy().astype(np.uint64)
            normal = np.sqrt(-2 * np.log(1 - uniform(index, 1))) * np.cos(2 * np.pi * uniform(index, 2))
            lengths = np.clip(np.rint(np.exp(mu + LENGTH_SIGMA * normal)), 1, 300).astype(np.int64)
            rows = np.repeat(np.arange(len(index)), lengths)
            position = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            drawn = uniform(index[rows] * np.uint64(512) + position.astype(np.uint64), 3) * cumulated[-1]
            ids = np.searchsorted(cumulated, drawn, side="right")
            keys = np.unique((rows << 32) | ids)
            offsets = np.searchsorted(keys >> 32, np.arange(len(index) + 1)).astype(np.int32)
            entry_ids = pa.ListArray.from_arrays(pa.array(offsets), pa.array((keys & 0xFFFFFFFF).astype(np.int32)))
            yield _rows(index, entry_ids)

    return run


def _rows(index: npt.NDArray[np.uint64], entry_ids: pa.ListArray) -> pa.RecordBatch:
    """Returns rows whose strings are as long and as repetitive as real ones."""
    count = len(index)
    uids = pa.array([word.hex() for word in _words(index, 4)], pa.string())
    names = pa.array([word.hex()[:18] for word in _words(index, 6)], pa.string())
    vocabulary = pa.array(_VOCABULARY, pa.string())
    words = [
        vocabulary.take(pa.array((mixed(index, stream) % np.uint64(len(_VOCABULARY))).astype(np.int64)))
        for stream in range(8, 16)
    ]
    hosts = pc.binary_join_element_wise("https://", words[0], ".example/", "")
    columns = {
        "uid": uids,
        "image_id": pc.utf8_slice_codeunits(uids, 0, 24),
        "url": pc.binary_join_element_wise(hosts, "wp-content/uploads/2023/05/", words[1], "-", names, ".jpg", ""),
        "text": pc.binary_join_element_wise(*words, " "),
        "text_source": pa.repeat("alt", count),
        "lang": pa.repeat("en", count),
        "page_url": pc.binary_join_element_wise(hosts, words[2], "/", words[3], "-", words[4], "-", words[5], "/", ""),
        "page_lang": pa.repeat("en", count),
        "license": pa.repeat("", count),
        "source_id": pa.repeat("", count),
        "crawl": pa.repeat("CC-MAIN-2025-30", count),
        "source_file": pa.repeat("crawl-data/CC-MAIN-2025-30/segments/1752118080000.1/wat/made.warc.wat.gz", count),
        "metadata_lang": pa.repeat("en", count),
        "lang_score": pa.array(uniform(index, 16).astype(np.float32)),
        "entry_ids": entry_ids,
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in MATCHED.names], schema=MATCHED)


def _words(index: npt.NDArray[np.uint64], stream: int) -> Iterator[bytes]:
    """Returns 16 bytes for each index."""
    both = np.stack([mixed(index, stream), mixed(index, stream + 1)], axis=1).astype(">u8").tobytes()
    return (both[start : start + 16] for start in range(0, len(both), 16))


def uniform(index: npt.NDArray[np.uint64], stream: int) -> Floats:
    """Returns numbers in [0, 1) by index. Each stream is another sequence."""
    return (mixed(index, stream) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mixed(index: npt.NDArray[np.uint64], stream: int) -> npt.NDArray[np.uint64]:
    """Hashes an index with the seed and a stream's number (splitmix64's finaliser)."""
    x = index * np.uint64(0x9E3779B97F4A7C15) + np.uint64((SEED * 1_000_003 + stream) * 0xD1342543DE82EF95 % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


if __name__ == "__main__":
    main()
