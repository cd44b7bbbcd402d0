"""Distribution of pairs over files and tasks: 300 languages, with English half of everything and the others by rank.

A file of `distinct`, which one task matches, should have about `--pairs-per-task` pairs, whatever its language's size.
Small languages share files. Here the pages name the languages, since no made text has a label of the model's choice.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.local_spark import local_spark
from metaclip_curate.extract.pair_columns import pair_uids
from metaclip_curate.language import LabelRule
from metaclip_curate.schemas import DISTINCT, PAIRS
from metaclip_curate.stages.dedup import write_distinct
from metaclip_curate.stages.dedup_task import DedupTask, RankedFile

LANGUAGES, PAIRS_PER_TASK, FILES = 300, 20_000, 8
_ALWAYS_THE_PAGE = LabelRule(2.0)  # no label is so sure


def main(quick: bool = False) -> None:
    """Prints statistics of the files.

    Args:
        quick: Whether to use a tenth of the pairs.
    """
    scale = 10 if quick else 1
    per_file = PAIRS_PER_TASK // scale
    sizes = _sizes(400_000 // scale)
    with tempfile.TemporaryDirectory() as scratch, local_spark() as spark:
        folder = Path(scratch)
        task = DedupTask(_write_pairs(folder, sizes), (), {}, _ALWAYS_THE_PAGE, "", per_file, 1, 0)
        result = write_distinct(spark, task, str(folder / "distinct"))
        languages = {
            file.name: pc.unique(pq.read_table(folder / "distinct" / file.name, columns=["page_lang"])["page_lang"])
            for file in result.files
        }
        assert pq.read_schema(folder / "distinct" / result.files[0].name).names == DISTINCT.names
    rows = [file.rows for file in result.files]
    english = [file.rows for file in result.files if languages[file.name].to_pylist() == ["en"]]
    print(f"\n{sum(sizes.values()):,} pairs, {len(sizes)} languages, {per_file:,} pairs a file\n")
    print(f"  pairs of English, of the median language: {sizes['en']:,}, {statistics.median(sizes.values()):,.0f}")
    print(f"  files: {len(rows)}, of them English: {len(english)}")
    print(f"  rows a file: largest {max(rows):,}, median {statistics.median(rows):,.0f}, smallest {min(rows):,}")
    print(f"  largest / median: {max(rows) / statistics.median(rows):.2f}")
    print(f"  languages a file, at most: {max(map(len, languages.values()))}")


def _sizes(pairs: int) -> dict[str, int]:
    """Returns the number of pairs of each language: half for English, the others in proportion to 1 / rank."""
    weights = [1 / rank for rank in range(1, LANGUAGES)]
    names = ["q" + chr(97 + number // 26) + chr(97 + number % 26) for number in range(LANGUAGES - 1)]
    others = {name: max(1, int(pairs / 2 * weight / sum(weights))) for name, weight in zip(names, weights, strict=True)}
    return {"en": pairs // 2, **others}


def _write_pairs(folder: Path, sizes: Mapping[str, int]) -> list[RankedFile]:
    """Writes files of different pairs, their languages mixed."""
    languages = np.random.default_rng(0).permutation(np.repeat(list(sizes), list(sizes.values())))
    files = []
    for number, some in enumerate(np.array_split(languages, FILES)):
        texts = [f"text {number} {row}" for row in range(len(some))]
        columns = {
            "uid": [uid.hex() for uid in pair_uids(texts, texts)],
            "image_id": ["0" * 24] * len(texts),
            "text": texts,
            "page_lang": some.tolist(),
        }
        arrays = [pa.array(columns.get(field.name, [""] * len(texts)), field.type) for field in PAIRS]
        path = folder / f"{number}.parquet"
        pq.write_table(pa.Table.from_arrays(arrays, schema=PAIRS), path)
        files.append(RankedFile(str(path), len(texts), number))
    return files


if __name__ == "__main__":
    main()
