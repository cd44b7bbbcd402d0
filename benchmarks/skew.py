"""Distribution of pairs over tasks and files: 300 languages, with English half of everything and the others by rank.

A task should have about `--pairs-per-task` pairs, whatever its language's size. Small languages share tasks and files.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.local_spark import local_spark
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.schemas import MATCHED, PAIRS, ddl
from metaclip_curate.stages.match import MatchTask, plan_partitions, shuffle_by_language, write_matched
from metaclip_curate.storage import StorageOptions

LANGUAGES, PAIRS_PER_TASK = 300, 20_000


def main(quick: bool = False) -> None:
    """Prints statistics of the tasks.

    Args:
        quick: Whether to use a tenth of the pairs.
    """
    scale = 10 if quick else 1
    per_task = PAIRS_PER_TASK // scale
    sizes = _sizes(400_000 // scale)
    with tempfile.TemporaryDirectory() as scratch, local_spark() as spark:
        folder = Path(scratch)
        (folder / "metadata").mkdir()
        for language in sizes:
            (folder / "metadata" / f"{language}.txt").write_text("text\n", encoding="utf-8")
        pairs = _pairs(spark, sizes)
        labels = {language: language for language in sizes}
        shuffled = shuffle_by_language(spark, pairs, None, labels, sizes, per_task)
        by_task = shuffled.groupBy(F.spark_partition_id().alias("task")).agg(
            F.count(F.lit(1)).alias("rows"), F.countDistinct("metadata_lang").alias("languages")
        )
        tasks = [(row["rows"], row["languages"]) for row in by_task.collect()]
        digests = MetadataFolder.open(folder / "metadata").digests()
        task = MatchTask(str(folder / "metadata"), digests, "metaclip2", StorageOptions())
        write_matched(shuffled, spark, task, str(folder / "matched"))
        files = len(list((folder / "matched").glob("*.parquet")))
        matched = spark.read.schema(ddl(MATCHED)).parquet(str(folder / "matched")).count()
    shares, planned = plan_partitions(sizes, per_task)
    rows = [size for size, _ in tasks]
    print(f"\n{sum(sizes.values()):,} pairs, {len(sizes)} languages, {per_task:,} pairs a task\n")
    print(f"  pairs of English, of the median language: {sizes['en']:,}, {statistics.median(sizes.values()):,.0f}")
    print(f"  tasks: {len(tasks)} ({planned} planned), of them English: {shares['en'].splits}")
    print(f"  rows a task: largest {max(rows):,}, median {statistics.median(rows):,.0f}, smallest {min(rows):,}")
    print(f"  largest / median: {max(rows) / statistics.median(rows):.2f}")
    print(f"  languages a task, at most: {max(languages for _, languages in tasks)}")
    print(f"  files written: {files}, with {matched:,} rows")


def _sizes(pairs: int) -> dict[str, int]:
    """Returns the number of pairs of each language: half for English, the others in proportion to 1 / rank."""
    weights = [1 / rank for rank in range(1, LANGUAGES)]
    names = ["q" + chr(97 + number // 26) + chr(97 + number % 26) for number in range(LANGUAGES - 1)]
    others = {name: max(1, int(pairs / 2 * weight / sum(weights))) for name, weight in zip(names, weights, strict=True)}
    return {"en": pairs // 2, **others}


def _pairs(spark: SparkSession, sizes: dict[str, int]) -> DataFrame:
    """Returns pairs with distinct uids."""
    table = spark.createDataFrame(list(sizes.items()), "lang string, size int")
    rows = table.select("lang", F.explode(F.sequence(F.lit(1), "size")).alias("number"))
    columns = {
        "uid": F.md5(F.concat_ws(" ", "lang", "number")),
        "text": F.concat_ws(" ", F.lit("a text"), "number"),
        "lang": F.col("lang"),
        "lang_score": F.lit(0.5).cast("float"),
    }
    return rows.select(*[columns.get(name, F.lit("")).alias(name) for name in PAIRS.names])


if __name__ == "__main__":
    main()
