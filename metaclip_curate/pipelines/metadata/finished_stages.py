"""The finished stages of a build, as a merge reads them: candidates, statistics, and the files they were made of."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.metadata.sources.editions import has_wordnet
from metaclip_curate.metadata.sources.titles import broken_off
from metaclip_curate.pipelines.metadata.steps import BuildSteps
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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

    def files(self, language: str) -> dict[str, Any]:
        """Returns the files that only one language has, with licences, digests and statistics, as in sources.json."""
        found: dict[str, Any] = {}
        steps = self.steps.record.steps()
        if "wordnet" in self.used:
            step = steps[f"wordnet/{language}"]
            found["wordnet"] = {**step["summary"], "files": digested(step["sources"])}
        if "ngrams" in self.used:
            step = steps[f"ngrams/{language}"]
            stats = self.ngram_stats(language)
            found["wikipedia"] = {
                "licence": WIKIPEDIA_LICENCE,
                "dates": dates(step["sources"]),
                "files": digested(step["sources"]),
                "pages": [_described(each, step["sources"]) for each in stats["files"]],
                "tokens": stats["tokens"],
                "total": stats["total"],
                "warnings": stats["warnings"],
            }
        return found

    def ngram_stats(self, language: str) -> dict[str, Any]:
        """Reads the statistics that the stage ngrams wrote for a language."""
        return read_ngram_stats(self.steps.data(f"ngrams/{language}"), self.storage)

    def source_warnings(self, language: str) -> list[str]:
        """Returns the warnings of the stages of a language, each with the stage's name."""
        found = []
        if "wordnet" in self.used:
            summary = self.steps.record.summary(f"wordnet/{language}")
            found += [f"wordnet: {warning}" for warning in summary["warnings"]]
            if summary.get("missing") and has_wordnet(language):
                found.append(f"wordnet: none was taken, {summary['missing']}")
        if "ngrams" in self.used:
            found += [f"ngrams: {warning}" for warning in self.ngram_stats(language)["warnings"]]
        if "titles" in self.used:
            files = self.steps.record.summary("titles")["files"]
            found += [f"titles: {line}" for line in map(broken_off, files) if line]
        return found


def read_ngram_stats(folder: str, options: StorageOptions) -> dict[str, Any]:
    """Reads the statistics that the stage ngrams wrote for a language.

    Args:
        folder: Folder of the stage's data.
        options: Credentials and limits for reading the folder.
    """
    url = storage.join(folder, "wikipedia.json")
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
