"""The merge stage of a build: from the finished stages of a language to its list."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.metadata.building.merge import Candidates, MergedList, is_usable
from metaclip_curate.metadata.building.ngrams import highest_pmi
from metaclip_curate.metadata.building.source_report import SourceReport, warnings_of
from metaclip_curate.metadata.lists.writer import read_table
from metaclip_curate.metadata.sources.editions import Edition, all_editions
from metaclip_curate.metadata.sources.wordnet import first_names
from metaclip_curate.options.merge_metadata import Limits, SourceLimits
from metaclip_curate.pipelines.metadata.finished_stages import FinishedStages
from metaclip_curate.stages.metadata.bigrams import bigrams_of, read_counts, unigrams_of
from metaclip_curate.stages.metadata.merge import rank
from metaclip_curate.stages.metadata.titles import read_titles

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class LanguageMerge:
    """Merges the sources of one language.

    Args:
        language: The language.
        limits: Limits of the sources and of entries.
        editions: Its Wikipedias.
        stages: The finished stages.

    Attributes:
        merged: The merged list.
        reports: What each source gave, in the order of the list.
        wikipedias: Codes of the Wikipedias of which there is text or a title, in the order of languages.csv.
        warnings: What is suspicious about the sources and the list.
    """

    def __init__(self, language: str, limits: Limits, editions: Sequence[Edition], stages: FinishedStages) -> None:
        self._language = language
        self._limits = limits
        self._stages = stages
        self.merged = MergedList()
        self.reports: list[SourceReport] = []
        self.warnings = stages.source_warnings(language)
        numbers = map(str, range(limits.numbers))
        self._add("numbers", [number for number in numbers if is_usable(number, limits.max_entry_length)], {})
        if "wordnet" in stages.used:
            self._add_wordnet()
        tokens = stages.ngram_stats(language)["tokens"] if "ngrams" in stages.used else {}
        titles = self._titles(editions)
        self.wikipedias = _in_order({*tokens, *titles}) or [editions[0].code]
        for wikipedia in self.wikipedias:
            if wikipedia in tokens:
                self._add_ngrams(wikipedia, tokens[wikipedia])
            if "titles" in stages.used:
                lines = {"lines": sum(file["lines"] for file in stages.steps.record.summary("titles")["files"])}
                self._add_ranked("titles", wikipedia, "views", limits.titles, titles.get(wikipedia), lines)
        self.warnings += warnings_of(language, limits, self.reports, len(self.merged.entries))

    def _add_wordnet(self) -> None:
        url = storage.join(self._stages.steps.folder, "wordnet", f"{self._language}.parquet")
        table = read_table(url, self._stages.storage)
        first = self._limits.wordnet_names == "first"
        names = first_names(table) if first else table["entry"].to_pylist()
        usable = [name for name in names if is_usable(name, self._limits.max_entry_length)]
        self._add("wordnet", usable, {"names": len(names)})

    def _add(self, name: str, entries: list[str], strings: dict[str, Any]) -> None:
        taken = self.merged.add(Candidates(name, entries))
        self.reports.append(SourceReport(name, "", len(entries), taken, strings=strings))

    def _add_ngrams(self, wikipedia: str, tokens: int) -> None:
        folder = self._stages.steps.data(f"ngrams/{self._language}")
        counts = read_counts(self._stages.spark(), folder)
        words = unigrams_of(counts, wikipedia)
        unigrams = self._add_ranked("unigrams", wikipedia, "count", self._limits.unigrams, words)
        rules, last = self._limits.bigrams, unigrams.taken.last_score
        lowest = rules.min_count or int(last or self._limits.unigrams.minimum or 1)
        limits = rules.after_unigrams(unigrams.taken.taken)
        # The ranking reads them twice.
        pairs = bigrams_of(counts, wikipedia, tokens, lowest).persist()
        self._add_ranked("bigrams", wikipedia, "pmi", limits, pairs, {"lowest_count": lowest})
        pairs.unpersist()
        highest = highest_pmi(tokens, lowest)
        if tokens and limits.minimum is not None and limits.minimum > highest:
            self.warnings.append(
                f"bigrams: no pair of {wikipedia} can have {limits.minimum:g} bits of mutual information: with "
                f"{tokens:,} tokens and a lowest count of {lowest:,} the highest is {highest:.1f}; lower "
                "--bigrams-min-pmi"
            )

    def _titles(self, editions: Sequence[Edition]) -> dict[str, DataFrame]:
        """Returns entry and views of the titles of each Wikipedia that has any."""
        if "titles" not in self._stages.used:
            return {}
        used_of = self._stages.steps.record.summary("titles")["used_of"]
        codes = [edition.code for edition in editions if used_of.get(edition.code)]
        folder = self._stages.steps.data("titles")
        rows = read_titles(self._stages.spark(), folder, codes, self._stages.storage) if codes else None
        return {} if rows is None else {code: rows.filter(rows["wikipedia"] == code) for code in codes}

    def _add_ranked(
        self,
        name: str,
        wikipedia: str,
        score: str,
        limits: SourceLimits,
        rows: DataFrame | None,
        strings: dict[str, Any] | None = None,
    ) -> SourceReport:
        if rows is None:
            taken = self.merged.add(Candidates(name, [], [], limits.most, wikipedia))
            report = SourceReport(name, wikipedia, 0, taken, score, {"rows": 0, **(strings or {})})
        else:
            known = self.merged.known_to(wikipedia)
            ranking = rank(rows, score, limits, known, self._limits.max_entry_length)
            taken = self.merged.add(Candidates(name, ranking.entries, ranking.scores, ranking.limit, wikipedia))
            numbers = dataclasses.asdict(dataclasses.replace(ranking, entries=[], scores=[]))
            for described in ("entries", "scores", "limit", "candidates"):
                del numbers[described]
            report = SourceReport(name, wikipedia, ranking.candidates, taken, score, {**numbers, **(strings or {})})
        self.reports.append(report)
        return report


def _in_order(codes: set[str]) -> list[str]:
    """Sorts codes of Wikipedias in the order of languages.csv."""
    order = {edition.code: number for number, edition in enumerate(all_editions())}
    return sorted(codes, key=lambda code: (order.get(code, -1), code))
