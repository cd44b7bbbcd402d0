"""The merge stage of a build: one language's finished sources to its list."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.metadata.building.merge import Candidates, MergedList, is_usable
from metaclip_curate.metadata.building.record import BuildRecord
from metaclip_curate.metadata.lists.writer import read_table
from metaclip_curate.options.build_metadata import Limits, SourceLimits
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WIKIPEDIA_LICENCE = "CC BY-SA 4.0"
_DATE = re.compile(r"(?<!\d)\d{8}(?!\d)")


@dataclass(frozen=True)
class FinishedStages:
    """What a merge reads.

    Attributes:
        folder: The folder of the stages.
        record: What of them is finished.
        used: The stages to use, in the order of the list: wordnet, ngrams, titles.
        spark: Gives the Spark session.
        storage: How to reach the folder.
        tell: Takes lines about what goes on.
    """

    folder: str
    record: BuildRecord
    used: tuple[str, ...]
    spark: Callable[[], SparkSession]
    storage: StorageOptions
    tell: Callable[[str], None]


class LanguageMerge:
    """Merges one language's sources.

    Args:
        language: The language.
        limits: Which candidates become entries.
        stages: The finished stages.

    Attributes:
        merged: The list.
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
        """What came from each source, in the order of the list."""
        merged = self.merged
        return [
            {"name": name, "entries": added, "repeats": merged.repeats[name], **self._counts[name]}
            for name, added in merged.added.items()
        ]

    def files(self) -> dict[str, Any]:
        """The files of this language alone, with licences and digests."""
        found: dict[str, Any] = {}
        steps = self._stages.record.steps()
        if "wordnet" in self._stages.used:
            step = steps[f"wordnet/{self._language}"]
            found["wordnet"] = {**step["summary"], "files": digested(step["sources"])}
        if "ngrams" in self._stages.used:
            step = steps[f"ngrams/{self._language}"]
            account = read_ngram_account(self._stages.folder, self._language, self._stages.storage)
            found["wikipedia"] = {
                "licence": WIKIPEDIA_LICENCE,
                "dates": dates(step["sources"]),
                "files": digested(step["sources"]),
                "pages": [_described(each, step["sources"]) for each in account["files"]],
                "total": account["total"],
                "highest_pmi": account["highest_pmi"],
                "warnings": account["warnings"],
            }
        return found

    def _add_wordnet(self) -> None:
        url = storage.join(self._stages.folder, "wordnet", f"{self._language}.parquet")
        table = read_table(url, self._stages.storage)
        if self._limits.wordnet_names == "first":
            table = table.filter(table["first"])
        names = table["entry"].to_pylist()
        usable = [name for name in names if is_usable(name, self._limits.max_entry_length)]
        self._counts["wordnet"] = {"names": len(names), "usable": len(usable)}
        self.merged.add(Candidates("wordnet", usable))

    def _add_ngrams(self, name: str, score: str, limits: SourceLimits) -> None:
        folder = storage.join(self._stages.folder, "ngrams", self._language, name)
        kind = "bigint" if score == "count" else "double"
        self._add_ranked(name, score, limits, self._read(folder, f"entry string, {score} {kind}"))

    def _add_titles(self) -> None:
        from metaclip_curate.stages.metadata.titles import read_titles

        folder = storage.join(self._stages.folder, "titles")
        rows = read_titles(self._stages.spark(), folder, self._language, self._stages.storage)
        self._add_ranked("titles", "views", self._limits.titles, rows)

    def _read(self, folder: str, columns: str) -> DataFrame | None:
        if not storage.list_parquet(folder, self._stages.storage):
            return None
        return self._stages.spark().read.schema(columns).parquet(folder)

    def _add_ranked(self, name: str, score: str, limits: SourceLimits, rows: DataFrame | None) -> None:
        from metaclip_curate.stages.metadata.merge import rank

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
            self._stages.tell(
                f"merge/{self._language}: none of {ranking.usable:,} {name} has {score} {limits.minimum:g} or more; "
                f"the highest is {ranking.highest:.1f}"
            )


def read_ngram_account(folder: str, language: str, options: StorageOptions) -> dict[str, Any]:
    """What the stage ngrams noted of a language.

    Args:
        folder: The folder of the stages.
        language: The language.
        options: How to reach the folder.
    """
    url = storage.join(folder, "ngrams", language, "wikipedia.json")
    account: dict[str, Any] = json.loads(storage.read_bytes(url, options))
    return account


def _described(account: dict[str, Any], sources: list[list[str]]) -> dict[str, Any]:
    """A file's account under the name that its digest has, in place of its path on this machine."""
    name = next(name for name, _ in sources if account["path"].endswith(name))
    return {"file": name, **{key: value for key, value in account.items() if key not in ("path", "index")}}


def digested(sources: list[list[str]]) -> list[dict[str, str]]:
    """Names and digests as sources.json has them."""
    return [{"file": name, "sha256": digest} for name, digest in sources]


def dates(sources: list[list[str]]) -> list[str]:
    """The different dates (YYYYMMDD) in the files' names, sorted."""
    return sorted({date for name, _ in sources for date in _DATE.findall(name)})
