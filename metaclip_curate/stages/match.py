"""Distinct pairs to matched pairs: each task reads a file, and writes one. Nothing is shuffled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from metaclip_curate import storage
from metaclip_curate.run.file_list import PartFile
from metaclip_curate.run.record import MatchCounts, to_json
from metaclip_curate.schemas import MATCHED, SCREENED, ddl
from metaclip_curate.stages.match_task import NO_METADATA, MatchStats, MatchTask, match_file
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.partitioning import numbered_tasks

__all__ = ["LAYOUT", "NO_METADATA", "SCREENED_LAYOUT", "MatchResult", "MatchTask", "count_matches", "write_matched"]

LAYOUT = Layout(
    MATCHED,
    repeating=("text_source", "page_lang", "license", "crawl", "source_file", "lang", "metadata_lang"),
    statistics=("uid", "metadata_lang"),
)
SCREENED_LAYOUT = Layout(SCREENED, repeating=("metadata_lang", "reason"), statistics=("uid",))
# One row a task: what it did, and the files that it wrote, as JSON.
_REPORT = pa.schema([pa.field("report", pa.string())])


@dataclass(frozen=True)
class MatchResult:
    """What matching did with a part of `distinct`.

    Attributes:
        languages: Counts by language, and under NO_METADATA those of languages without metadata.
        policy_rules: Number of pairs that were rejected for their host's policy, by rule.
        matched: Files of matched pairs, by name.
        screened: Files of rejected pairs, by name; none for a task that rejected none.
    """

    languages: Mapping[str, MatchCounts] = field(default_factory=dict)
    policy_rules: Mapping[str, int] = field(default_factory=dict)
    matched: Sequence[PartFile] = ()
    screened: Sequence[PartFile] = ()


def write_matched(spark: SparkSession, task: MatchTask, matched: str, screened: str) -> MatchResult:
    """Screens the pairs of a part of `distinct`, finds the entries in the others' texts, and writes both.

    Args:
        spark: The session.
        task: The part's files, the screens and the metadata.
        matched: Folder for the pairs with an entry, whose content is replaced.
        screened: Folder for the pairs that were rejected, whose content is replaced.

    Raises:
        RuntimeError: The files aren't those that the tasks reported.
    """
    for folder in (matched, screened):
        storage.delete_folder(folder, task.storage)
    if not task.files:
        return MatchResult(
            matched=[write_file(iter(()), LAYOUT.keeping(task.kept), matched, lambda: _name(0), task.storage)]
        )
    tasks = numbered_tasks(spark, len(task.files)).mapInArrow(_matcher(task, matched, screened), ddl(_REPORT))
    reports = [json.loads(row["report"]) for row in tasks.collect()]
    result = MatchResult(
        _sums([report["languages"] for report in reports]),
        dict(sorted(sum((Counter(report["rules"]) for report in reports), Counter()).items())),
        sorted(PartFile(*report["matched"]) for report in reports),
        sorted(PartFile(*report["screened"]) for report in reports if report["screened"]),
    )
    for folder, files in ((matched, result.matched), (screened, result.screened)):
        found = storage.list_parquet(folder, task.storage)
        if [file.name for file in files] != found:
            raise RuntimeError(f"{folder} has {found}, and the tasks reported {files}")
    return result


def _sums(reports: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, MatchCounts]:
    languages = sorted({language for report in reports for language in report})
    found = {language: [report[language] for report in reports if language in report] for language in languages}
    return {
        language: MatchCounts(
            distinct=sum(each["distinct"] for each in counts),
            matched=sum(each["matched"] for each in counts),
            occurrences=sum(each["occurrences"] for each in counts),
            screened=dict(sorted(sum((Counter(each["screened"]) for each in counts), Counter()).items())),
        )
        for language, counts in found.items()
    }


def count_matches(matched: DataFrame) -> dict[str, tuple[int, int]]:
    """Counts matched pairs, and the entries in their texts.

    Args:
        matched: Rows of `schemas.MATCHED`.

    Returns:
        Number of pairs and of entries by language, sorted; an entry counts once per text.
    """
    pairs, occurrences = F.count(F.lit(1)), F.sum(F.size("entry_ids"))
    rows = matched.groupBy("metadata_lang").agg(pairs, occurrences).collect()
    return {language: (size, found) for language, size, found in sorted(rows)}


def _matcher(
    task: MatchTask, matched: str, screened: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def match(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                report = json.dumps(_written(task, matched, screened, number))
                yield pa.RecordBatch.from_pydict({"report": [report]}, schema=_REPORT)

    return match


def _written(task: MatchTask, matched: str, screened: str, number: int) -> dict[str, Any]:
    """Matches a file; returns what was done, and the files that were written."""
    stats = MatchStats()
    layout = LAYOUT.keeping(task.kept)
    file = write_file(match_file(task, number, stats), layout, matched, lambda: _name(number), task.storage)
    counts = stats.counts()
    if file.rows != sum(each.matched for each in counts.values()):
        raise RuntimeError(f"{file} was written, but the counts are {counts}")
    rejected = None
    if stats.screened:
        rows = iter(stats.screened)
        rejected = write_file(rows, SCREENED_LAYOUT, screened, lambda: _name(number), task.storage)
    return {"languages": to_json(counts), "rules": stats.rules, "matched": file, "screened": rejected}


def _name(number: int) -> str:
    return f"part-{number:05d}.parquet"
