"""The merge stage of a build: from the finished stages of a language to its list."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.metadata.building.merge import Candidates, MergedList, is_usable
from metaclip_curate.metadata.lists.writer import read_table
from metaclip_curate.options.merge_metadata import Limits, SourceLimits
from metaclip_curate.pipelines.metadata.steps import BuildSteps
from metaclip_curate.stages.metadata.merge import rank
from metaclip_curate.stages.metadata.titles import read_titles
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WIKIPEDIA_LICENCE = "CC BY-SA 4.0"
_DATE = re.compile(r"(?<!\d)\d{8}(?!\d)")


@dataclass(frozen=True)
class FinishedStages:
    """The finished stages that a merge reads.

    Attributes:
        steps: The steps of the build.
        used: Stages to use, in the order of the list: wordnet, ngrams, titles.
        spark: Returns the Spark session.
        storage: Credentials and limits for reading the stages.
    """

    steps: BuildSteps
    used: tuple[str, ...]
    spark: Callable[[], SparkSession]
    storage: StorageOptions


class LanguageMerge:
    """Merges the sources of one language.

    Args:
        language: The language.
        limits: Limits of the sources and of entries.
        stages: The finished stages.

    Attributes:
        merged: The merged list.
    """

    def __init__(self, language: str, limits: Limits, stages: FinishedStages) -> None:
        self._language = language
        self._limits = limits
        self._stages = stages
        self._counts: dict[str, dict[str, Any]] = {"numbers": {}}
        self.merged = MergedList()
        self.merged.add(Candidates("numbers", [str(number) for number in range(limits.numbers)]))
        if "wordnet" in stages.used:
            self._add_wordnet()
        if "ngrams" in stages.used:
            self._add_ngrams("unigrams", "count", limits.unigrams)
            self._add_ngrams("bigrams", "pmi", limits.bigrams)
        if "titles" in stages.used:
            self._add_titles()

    def sources(self) -> list[dict[str, Any]]:
        """Returns name and counts of each source, in the order of the list."""
        merged = self.merged
        return [
            {"name": name, "entries": added, "repeats": merged.repeats[name], **self._counts[name]}
            for name, added in merged.added.items()
        ]

    def files(self) -> dict[str, Any]:
        """Returns the files that only this language has, with licences and digests."""
        found: dict[str, Any] = {}
        steps = self._stages.steps.record.steps()
        if "wordnet" in self._stages.used:
            step = steps[f"wordnet/{self._language}"]
            found["wordnet"] = {**step["summary"], "files": digested(step["sources"])}
        if "ngrams" in self._stages.used:
            step = steps[f"ngrams/{self._language}"]
            stats = read_ngram_stats(self._stages.steps.folder, self._language, self._stages.storage)
            found["wikipedia"] = {
                "licence": WIKIPEDIA_LICENCE,
                "dates": dates(step["sources"]),
                "files": digested(step["sources"]),
                "pages": [_described(each, step["sources"]) for each in stats["files"]],
                "total": stats["total"],
                "highest_pmi": stats["highest_pmi"],
                "warnings": stats["warnings"],
            }
        return found

    def _add_wordnet(self) -> None:
        url = storage.join(self._stages.steps.folder, "wordnet", f"{self._language}.parquet")
        table = read_table(url, self._stages.storage)
        if self._limits.wordnet_names == "first":
            table = table.filter(table["first"])
        names = table["entry"].to_pylist()
        usable = [name for name in names if is_usable(name, self._limits.max_entry_length)]
        self._counts["wordnet"] = {"names": len(names), "usable": len(usable)}
        self.merged.add(Candidates("wordnet", usable))

    def _add_ngrams(self, name: str, score: str, limits: SourceLimits) -> None:
        folder = storage.join(self._stages.steps.folder, "ngrams", self._language, name)
        kind = "bigint" if score == "count" else "double"
        self._add_ranked(name, score, limits, self._read(folder, f"entry string, {score} {kind}"))

    def _add_titles(self) -> None:
        folder = storage.join(self._stages.steps.folder, "titles")
        of_wikipedias = read_titles(self._stages.spark(), folder, self._language, self._stages.storage)
        rows = None if of_wikipedias is None else of_wikipedias.groupBy("entry").agg({"views": "sum"})
        rows = None if rows is None else rows.withColumnRenamed("sum(views)", "views")
        self._add_ranked("titles", "views", self._limits.titles, rows)

    def _read(self, folder: str, columns: str) -> DataFrame | None:
        if not storage.list_parquet(folder, self._stages.storage):
            return None
        return self._stages.spark().read.schema(columns).parquet(folder)

    def _add_ranked(self, name: str, score: str, limits: SourceLimits, rows: DataFrame | None) -> None:
        if rows is None:
            self._counts[name] = {"rows": 0}
            self.merged.add(Candidates(name, []))
            return
        ranking = rank(rows, name, score, limits, len(self.merged.entries), self._limits.max_entry_length)
        counts = {field.name: getattr(ranking, field.name) for field in dataclasses.fields(ranking)}
        del counts["candidates"]
        self._counts[name] = counts
        self.merged.add(ranking.candidates)
        if ranking.usable and not ranking.of_minimum:
            self._stages.steps.log(
                f"merge/{self._language}: none of {ranking.usable:,} {name} has {score} {limits.minimum:g} or more; "
                f"the highest is {ranking.highest:.1f}"
            )


def read_ngram_stats(folder: str, language: str, options: StorageOptions) -> dict[str, Any]:
    """Reads the statistics that the stage ngrams wrote for a language.

    Args:
        folder: Folder of the stages.
        language: The language.
        options: Credentials and limits for reading the folder.
    """
    url = storage.join(folder, "ngrams", language, "wikipedia.json")
    stats: dict[str, Any] = json.loads(storage.read_bytes(url, options))
    return stats


def _described(stats: dict[str, Any], sources: list[list[str]]) -> dict[str, Any]:
    """Returns the statistics of a file with its recorded name instead of its path on this machine."""
    name = next(name for name, _ in sources if stats["path"].endswith(name))
    return {"file": name, **{key: value for key, value in stats.items() if key not in ("path", "index")}}


def digested(sources: list[list[str]]) -> list[dict[str, str]]:
    """Returns names and digests as in sources.json."""
    return [{"file": name, "sha256": digest} for name, digest in sources]


def dates(sources: list[list[str]]) -> list[str]:
    """Returns the distinct dates (YYYYMMDD) in the names of files, sorted."""
    return sorted({date for name, _ in sources for date in _DATE.findall(name)})
