"""Distinct pairs to matched pairs, a batch at a time, without Spark.

Rows come sorted by their metadata language, so that one automaton is held at a time.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from metaclip_curate.errors import UserError
from metaclip_curate.language import LabelRule, LanguageTable, load_language_table
from metaclip_curate.metadata.lists.folder import MetadataFolder
from metaclip_curate.notebook.options import CurateOptions
from metaclip_curate.pipelines.run_screens import RunScreens
from metaclip_curate.run.record import MatchCounts
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.schemas import Kept
from metaclip_curate.screens.expression import Expression
from metaclip_curate.screens.host_table import HostTable
from metaclip_curate.screens.screens import ScreenLists
from metaclip_curate.stages.match_summary import match_summary
from metaclip_curate.stages.match_task import NO_METADATA, MatchStats, MatchTask, ScreenRules, match_batch
from metaclip_curate.stages.shared.sorted_batches import runs_of

# What rows are sorted by: a metadata language or NO_METADATA, and the label that the pair counts as.
LANGUAGE, LABEL = "_language", "_label"
SORTED_BY = (LANGUAGE, LABEL, "uid")
# Nine bytes each, in every task; Spark Connect takes messages of 128 MB.
MOST_HOSTS = 5_000_000
_SORT_KEYS = [pa.field(LANGUAGE, pa.string()), pa.field(LABEL, pa.string())]


@dataclass(frozen=True)
class MatchRules:
    """How pairs of any language are matched.

    Attributes:
        task: How they are matched, with neither files nor languages.
        table: Metadata language of each label.
        listed: Languages that have a list of entries, of which `task.digests` has those that are used.
    """

    task: MatchTask
    table: LanguageTable
    listed: Sequence[str]

    @classmethod
    def of(cls, options: CurateOptions, folder: MetadataFolder, digests: Mapping[str, str]) -> MatchRules:
        """Returns the rules of options.

        Args:
            options: How pairs are matched, and which language each counts as.
            folder: The metadata folder.
            digests: SHA-256 of each list that is used.

        Raises:
            UserError: A list that the screens look up can't be read or is too large.
        """
        table = load_language_table(options.match.language_table or None)
        task = MatchTask(
            files=(),
            rule=LabelRule.of(options.dedup.lid_fallback, options.dedup.min_lid_score),
            languages={},
            metadata=options.match.metadata,
            digests=digests,
            entry_spacing=options.match.entry_spacing,
            normalize=options.match.normalize,
            storage=options.storage,
            screens=ScreenRules(options.screens, _screen_lists(options, table)),
        )
        return cls(task, table, tuple(folder.languages))

    def keeping(self, kept: Kept) -> MatchRules:
        """Returns rules for rows with kept columns.

        Raises:
            UserError: The condition `where` isn't one on these columns.
        """
        where = self.task.screens.options.where
        if where:
            Expression(where).check({column.name: column.type for column in kept})
        return replace(self, task=replace(self.task, kept=kept))

    def with_sort_keys(self, distinct: pa.RecordBatch) -> pa.RecordBatch:
        """Appends the columns LANGUAGE and LABEL to rows of `schemas.DISTINCT`."""
        columns = (distinct.column(name) for name in ("lang", "lang_score", "page_lang"))
        labels = self.task.rule.labels(*columns)
        encoded = labels.dictionary_encode()
        names = pa.array(list(map(self._language, encoded.dictionary.to_pylist())), pa.string())
        schema = pa.schema([*distinct.schema, *_SORT_KEYS])
        return pa.RecordBatch.from_arrays([*distinct.columns, names.take(encoded.indices), labels], schema=schema)

    def match(self, rows: Iterable[pa.RecordBatch], stats: MatchStats) -> Iterator[pa.RecordBatch]:
        """Matches pairs.

        Args:
            rows: Rows from `with_sort_keys`, sorted by SORTED_BY.
            stats: Counts, complete when the iterator ends.

        Yields:
            Rows of `schemas.MATCHED` with the kept columns.
        """
        for batch in rows:
            for label, of_label in runs_of(batch, LABEL):
                languages = of_label.column(LANGUAGE)[0].as_py(), self.table.metadata_language(label)
                yield from match_batch(of_label, languages, self.task, stats)

    def _language(self, label: str) -> str:
        language = self.table.metadata_language(label, self.listed)
        return language if language in self.task.digests else NO_METADATA


def _screen_lists(options: CurateOptions, table: LanguageTable) -> ScreenLists:
    """Reads the lists that the screens look up. They travel with the tasks, since there is no folder for them."""
    languages = frozenset(table.labels.values())
    lists = RunScreens(options.screens, options.storage, languages, log=warnings.warn).lists()
    hosts = sum(len(each) for each in (lists.hosts, lists.policies) if isinstance(each, HostTable))
    if hosts > MOST_HOSTS:
        raise UserError(
            f"--host-list and --host-policies name {hosts:,} hosts, and without a run folder at most {MOST_HOSTS:,} "
            "can be sent to the workers: use Pipeline or the command"
        )
    return lists


def summary_of(tasks: Iterable[Mapping[str, Any]], metadata: str) -> MatchSummary:
    """Adds up the counts of tasks.

    Args:
        tasks: Counts of each task, from `counts_of`.
        metadata: Path or URL of the metadata folder.
    """
    counts: dict[str, list[MatchCounts]] = {}
    for of_task in tasks:
        for language, of_language in of_task.items():
            counts.setdefault(language, []).append(MatchCounts(**of_language))
    return match_summary(counts, {}, metadata)


def counts_of(stats: MatchStats) -> dict[str, Any]:
    """Returns a task's counts by language, as JSON types."""
    return {language: dataclasses.asdict(counts) for language, counts in stats.counts().items()}
