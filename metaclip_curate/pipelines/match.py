"""Matching: each part of `distinct` becomes one of `matched`. A run that has grown matches its new parts only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from metaclip_curate.language import LabelRule, LanguageTable
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.pipelines.run_metadata import RunMetadata
from metaclip_curate.pipelines.run_screens import RunScreens
from metaclip_curate.pipelines.workspace import Workspace
from metaclip_curate.run.file_list import FileList, rows_of
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import MatchCounts, MatchPart
from metaclip_curate.run.summaries import MatchSummary
from metaclip_curate.screens.screens import ScreenLists
from metaclip_curate.stages.match import MatchTask, write_matched
from metaclip_curate.stages.match_summary import match_summary
from metaclip_curate.stages.match_task import NO_METADATA, ScreenRules


class PartMatcher:
    """Matches the parts of `distinct` that aren't matched yet.

    Args:
        work: The run folder, with the stage match begun.
        options: How texts are matched.
        metadata: The lists of entries.
        language_table: The table from language labels to metadata languages.
        screens: The screens, which come before matching.
    """

    def __init__(
        self,
        work: Workspace,
        options: MatchOptions,
        metadata: RunMetadata,
        language_table: LanguageTable,
        screens: RunScreens,
    ) -> None:
        self._work = work
        self._folder = work.folder
        self._options = options
        self._metadata = metadata
        self._language_table = language_table
        self._screens = screens

    def match(self) -> None:
        """Matches what isn't matched."""
        parts, done = self._folder.dedup_parts(), self._folder.match_parts()
        names = sorted(parts.keys() - done.keys())
        self._folder.begin_parts("match", names[:1])
        for number, name in enumerate(names, 1):
            self._match_part(name, parts[name].labels, names[number : number + 1])

    @cached_property
    def _lists(self) -> ScreenLists:
        """What the screens look up, written for the workers once."""
        return self._screens.write_lists(self._folder)

    def _match_part(self, name: str, labels: Mapping[str, int], following: Sequence[str]) -> None:
        dedup = self._folder.options_of("dedup")
        files = self._folder.table_files("dedup", "distinct", [name])
        codes = {label: self._language_table.metadata_language(label) for label in labels}
        task = MatchTask(
            files=[file.url for file in files if file.rows],
            rule=LabelRule.of(dedup["lid_fallback"], dedup["min_lid_score"]),
            languages=self._metadata_languages(labels),
            metadata=self._options.metadata,
            digests=self._metadata.digests,
            entry_spacing=self._options.entry_spacing,
            normalize=self._options.normalize,
            storage=self._folder.options,
            kept=self._folder.kept_columns(),
            screens=ScreenRules(self._screens.options, self._lists, codes),
        )
        folders = (self._folder.part("matched", name), self._folder.part("screened", name))
        result = write_matched(self._work.spark, task, *folders)
        read = sum(counts.distinct for counts in result.languages.values())
        self._work.require_all("match", "distinct pairs", read, rows_of(files))
        part = MatchPart(languages=result.languages, policy_rules=result.policy_rules)
        files_of_part = FileList({"matched": result.matched, "screened": result.screened})
        self._folder.commit_part("match", name, part, files_of_part, following)

    def _metadata_languages(self, labels: Mapping[str, int]) -> dict[str, str]:
        """Returns for each label the language whose entries its texts are searched for, or NO_METADATA."""
        languages = {}
        for label in labels:
            language = self._language_table.metadata_language(label, self._metadata.folder.languages)
            languages[label] = language if language in self._metadata.digests else NO_METADATA
        return languages


def summarize_matches(folder: RunFolder, metadata: str) -> MatchSummary:
    """Adds up the parts of `matched`.

    Args:
        folder: A run folder with all parts finished.
        metadata: Path or URL of the metadata folder.
    """
    counts: dict[str, list[MatchCounts]] = {}
    rules: Counter[str] = Counter()
    for part in folder.match_parts().values():
        rules.update(part.policy_rules)
        for language, of_part in part.languages.items():
            counts.setdefault(language, []).append(of_part)
    return match_summary(counts, rules, metadata)
