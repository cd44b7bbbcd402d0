"""Matched pairs to entry counts.

Workers add up how many texts of a file contain each entry, so that only these sums are shuffled, to the task that reads
the entries of their languages and writes the counts of all of them. So neither the entries nor the rows of the table
pass through the JVM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.manifest_files import part_name
from metaclip_curate.run.tables import language_counts
from metaclip_curate.schemas import COUNTS, ddl
from metaclip_curate.stages.occurrence_sums import OccurrenceSums, count_rows
from metaclip_curate.stages.shared.metadata_entries import even_groups, expected_entries, language_groups
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.partitioning import shuffle_to_partitions
from metaclip_curate.stages.shared.sorted_batches import by_language
from metaclip_curate.stages.shared.tables import PART_FILE, row_of
from metaclip_curate.storage import StorageOptions

# Rows are sorted by language and id, so that a reader of one of them needs few row groups.
LAYOUT = Layout(COUNTS, repeating=("metadata_lang", "count"), statistics=("metadata_lang", "entry_id"))
_SUMS = pa.schema(
    [
        pa.field("partition", pa.int32()),
        pa.field("metadata_lang", pa.string()),
        pa.field("entry_id", pa.int32()),
        pa.field("count", pa.int64()),
    ]
)
_WRITTEN = PART_FILE.append(pa.field("matches", pa.int64()))

Batches = Iterator[pa.RecordBatch]


class Entries(Protocol):
    """The entries of the languages with a matched text, which workers read."""

    def groups(self) -> Sequence[Sequence[str]]:
        """Returns the languages in order, divided into groups whose entries one task reads."""

    def read(self, language: str) -> Sequence[str]:
        """Returns the entries of one of the languages; an entry's id is its position."""


@dataclass(frozen=True)
class ListedEntries:
    """Entries of the lists in a metadata folder.

    Attributes:
        metadata: Path or URL of the metadata folder.
        digests: SHA-256 of the list of each language with a matched text.
        storage: Credentials and limits for the folder.
    """

    metadata: str
    digests: Mapping[str, str]
    storage: StorageOptions

    def groups(self) -> Sequence[Sequence[str]]:
        """Returns the languages in groups whose lists have about 8 MiB."""
        if not self.digests:
            return []
        return language_groups(MetadataFolder.open(self.metadata, self.storage), sorted(self.digests))

    def read(self, language: str) -> Sequence[str]:
        """Returns the entries of a list, which must have the digest."""
        return expected_entries(self.metadata, language, self.digests[language], self.storage)


@dataclass(frozen=True)
class CountedEntries:
    """Entries of the counts of a finished run, whose metadata folder may no longer exist.

    Attributes:
        run: Path or URL of the run folder, finished up to balance.
        languages: Languages with a matched text.
        storage: Credentials and limits for the folder.
    """

    run: str
    languages: tuple[str, ...]
    storage: StorageOptions

    def groups(self) -> Sequence[Sequence[str]]:
        """Returns at most 64 groups of equally many languages."""
        return even_groups(sorted(self.languages))

    def read(self, language: str) -> Sequence[str]:
        """Returns the entries of a language in the run's counts."""
        found = language_counts(RunFolder(self.run, self.storage), language)
        if found is None:
            raise RuntimeError(f"{self.run} has no counts of {language}, of which it has matched pairs")
        return found.entries


@dataclass(frozen=True)
class CountTask:
    """What a worker needs to count.

    Attributes:
        entries: Entries of the languages with a matched text.
        counts: Folder for the files of counts.
        storage: Credentials and limits for the folder.
    """

    entries: Entries
    counts: str
    storage: StorageOptions


def write_counts(matched: DataFrame, task: CountTask) -> tuple[list[PartFile], int]:
    """Counts the texts that contain each entry, for all entries of the languages with a matched text.

    Args:
        matched: Rows of `schemas.MATCHED`.
        task: The entries, and the folder for the counts.

    Returns:
        The files that were written, with rows of `schemas.COUNTS`, sorted by language and id over all files; and the
        sum of all counts.
    """
    groups = task.entries.groups()
    if not groups:
        return [write_file(iter(()), LAYOUT, task.counts, lambda: part_name(0), task.storage)], 0
    rows = _shuffled_sums(matched, groups).mapInArrow(_writer(groups, task), ddl(_WRITTEN)).collect()
    return sorted(PartFile(*row[:-1]) for row in rows), sum(row["matches"] for row in rows)


def counts(matched: DataFrame, entries: Entries) -> DataFrame:
    """Counts the texts that contain each entry, as `write_counts` does, and writes nothing.

    Args:
        matched: Rows of `schemas.MATCHED`.
        entries: Entries of the languages with a matched text, and perhaps of others.

    Returns:
        Rows of `schemas.COUNTS` of all entries of the languages with a matched text.
    """
    groups = entries.groups()

    def count(batches: Batches) -> Batches:
        sums = _added_up(batches)
        yield from count_rows(sorted(language for language, _, _ in sums.found()), sums, entries.read)

    return _shuffled_sums(matched, groups).mapInArrow(count, ddl(COUNTS))


def occurrences(matched: DataFrame) -> DataFrame:
    """Counts the texts that contain each entry.

    Each task adds up what it has of an entry before anything is shuffled.

    Args:
        matched: Rows with metadata_lang and entry_ids.

    Returns:
        metadata_lang, entry_id and count (bigint) of each entry that occurs.
    """
    each = matched.select("metadata_lang", F.explode("entry_ids").alias("entry_id"))
    return each.groupBy("metadata_lang", "entry_id").agg(F.count(F.lit(1)).alias("count"))


def _shuffled_sums(matched: DataFrame, groups: Sequence[Sequence[str]]) -> DataFrame:
    """Returns sums of tasks, in each partition those of one group of languages."""
    sums = matched.select("metadata_lang", "entry_ids").mapInArrow(_adder(groups), ddl(_SUMS))
    return shuffle_to_partitions(sums, len(groups), "partition")


def _added_up(batches: Batches) -> OccurrenceSums:
    sums = OccurrenceSums()
    for batch in batches:
        for language, rows in by_language(batch):
            sums.add(language, rows.column(1).to_numpy(), rows.column(2).to_numpy())
    return sums


def _adder(groups: Sequence[Sequence[str]]) -> Callable[[Batches], Batches]:
    group_of = {language: number for number, group in enumerate(groups) for language in group}

    def add(batches: Batches) -> Batches:
        sums = OccurrenceSums()
        for batch in batches:
            for language, rows in by_language(batch):
                sums.add(language, rows.column(1).flatten().to_numpy())
        for language, ids, counts in sums.found():
            columns = [
                pa.array(np.full(len(ids), group_of[language], dtype=np.int32)),
                pa.repeat(pa.scalar(language), len(ids)),
                pa.array(ids),
                pa.array(counts),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=_SUMS)

    return add


def _writer(groups: Sequence[Sequence[str]], task: CountTask) -> Callable[[Batches], Batches]:
    def write(batches: Batches) -> Batches:
        context = TaskContext.get()
        group = context.partitionId() if context else 0
        sums, matches = _added_up(batches), 0

        def rows_of_group() -> Batches:
            nonlocal matches
            for rows in count_rows(groups[group], sums, task.entries.read):
                matches += pc.sum(rows.column("count")).as_py()
                yield rows

        file = write_file(rows_of_group(), LAYOUT, task.counts, lambda: part_name(group), task.storage)
        columns = [*row_of(file).columns, pa.array([matches], pa.int64())]
        yield pa.RecordBatch.from_arrays(columns, schema=_WRITTEN)

    return write
