"""Kept pairs to the manifest's files, in a random order that the seed determines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.manifest_files import write_part
from metaclip_curate.schemas import MANIFEST, Kept, ddl, with_kept
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.stages.shared.tables import PART_FILE, files_of, row_of
from metaclip_curate.storage import StorageOptions

# Ranks are computed in 2^12 ranges of the 63-bit order key, each of which is sorted by itself.
_RANGE_SHIFT = 63 - 12
_STARTS = "range int, first int, starts array<struct<order_key: bigint, uid: string>>"


def number_files(spark: SparkSession, kept: DataFrame, rows_per_file: int) -> tuple[DataFrame, int]:
    """Assigns each kept pair to a file of the manifest.

    Only keys are sorted, to find where files begin. The rows themselves then go straight to their files.

    Args:
        spark: The session.
        kept: Rows of `draw_rows.ORDERED`.
        rows_per_file: Number of rows of each file but the last.

    Returns:
        The rows with `file` (int), and the number of rows.
    """
    in_range = F.shiftright("order_key", _RANGE_SHIFT).cast("int").alias("range")
    keys = kept.select("order_key", "uid", in_range)
    sizes = sorted(keys.groupBy("range").count().collect())
    offsets = list(accumulate((size for _, size in sizes), initial=0))
    offset_of = spark.createDataFrame(
        [(number, offset) for (number, _), offset in zip(sizes, offsets, strict=False)], "range int, offset bigint"
    )
    rank_in_range = F.row_number().over(Window.partitionBy("range").orderBy("order_key", "uid")).cast("bigint")
    ranked = keys.withColumn("rank", rank_in_range).join(F.broadcast(offset_of), "range")
    starts = ranked.filter((F.col("offset") + F.col("rank") - 1) % rows_per_file == 0)
    starts_in: dict[int, list[tuple[int, str]]] = {}
    for number, order_key, uid in starts.select("range", "order_key", "uid").collect():
        starts_in.setdefault(number, []).append((order_key, uid))
    # The file in which a range begins, and the first keys of the files that begin in it.
    table = [
        (number, (offset - 1) // rows_per_file, starts_in.get(number, []))
        for (number, _), offset in zip(sizes, offsets, strict=False)
    ]
    begun = F.filter("starts", lambda start: start <= F.struct("order_key", "uid"))
    numbered = (
        kept.withColumn("range", in_range)
        .join(F.broadcast(spark.createDataFrame(table, _STARTS)), "range")
        .withColumn("file", (F.col("first") + F.size(begun)).cast("int"))
    )
    return numbered.select(*kept.columns, "file"), offsets[-1]


@dataclass(frozen=True)
class ManifestFiles:
    """Where a manifest is written.

    Attributes:
        folder: Path or URL of the manifest's folder.
        rows_per_file: Number of rows of each file but the last.
        storage: Credentials and limits for the folder.
        kept: The kept columns of a pool.
    """

    folder: str
    rows_per_file: int
    storage: StorageOptions
    kept: Kept = ()

    @property
    def schema(self) -> pa.Schema:
        """Schema of the files."""
        return with_kept(MANIFEST, self.kept)


def write_manifest(spark: SparkSession, kept: DataFrame, rows: int, manifest: ManifestFiles) -> list[PartFile]:
    """Writes the manifest's files, one task a file.

    Args:
        spark: The session.
        kept: Rows of `draw_rows.ORDERED`.
        rows: Number of these rows. If they fit into one file, none of them are read to find where files begin.
        manifest: Where to write.

    Returns:
        The files, in the order of their names. Whether they have all rows is for the caller to check.
    """
    if not rows:
        return [write_part(manifest.folder, 0, manifest.schema.empty_table(), manifest.storage)]
    if rows <= manifest.rows_per_file:
        numbered = kept.withColumn("file", F.lit(0))
    else:
        numbered, rows = number_files(spark, kept, manifest.rows_per_file)
    files = max(1, -(-rows // manifest.rows_per_file))
    shuffled = shuffle_to_partitions(numbered.withColumn("partition", F.col("file")), files, "partition")
    ordered = shuffled.sortWithinPartitions("file", "order_key", "uid").drop("order_key")
    return files_of(ordered.mapInArrow(_writer(manifest), ddl(PART_FILE)))


def _writer(manifest: ManifestFiles) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        filled = (batch for batch in batches if batch.num_rows)
        # A task has the rows of one file, so that no batch holds rows of two.
        for number, of_file in groupby(filled, key=lambda batch: batch.column("file")[0].as_py()):
            # Spark names the items of lists differently.
            rows = pa.Table.from_batches(list(of_file)).select(manifest.schema.names).cast(manifest.schema)
            yield row_of(write_part(manifest.folder, number, rows, manifest.storage))

    return run
