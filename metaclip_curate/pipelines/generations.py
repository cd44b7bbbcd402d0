"""Matching in generations: each covers parts of `pairs` that the generations before it don't.

When a run has grown, only its new pairs are matched, and those whose uid is known are left out. Each generation is
matched in passes over a share of the uids, and each pass commits one part of `matched`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaclip_curate.errors import JobFailedError
from metaclip_curate.language import LanguageTable
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.pipelines.run_metadata import RunMetadata
from metaclip_curate.pipelines.workspace import Workspace
from metaclip_curate.run.file_list import FileList, TableFile, rows_of
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import Generation, MatchCounts, MatchPart
from metaclip_curate.run.summaries import LanguageMatches, MatchSummary
from metaclip_curate.schemas import MATCHED, PAIRS, ddl
from metaclip_curate.stages.match import (
    LAYOUT,
    NO_METADATA,
    MatchTask,
    count_labels,
    pairs_of_pass,
    shuffle_by_language,
    write_matched,
)
from metaclip_curate.stages.shared.tables import read_table, write_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class _GenerationPairs:
    """What is matched in a generation.

    Attributes:
        files: The files of the new pairs.
        new: The new pairs.
        known: Pairs of the generations before; None in the first.
        labels: Number of pairs by language label, known ones included.
    """

    files: Sequence[TableFile]
    new: DataFrame
    known: DataFrame | None
    labels: Mapping[str, int]


class GenerationMatcher:
    """Matches the pairs that aren't matched yet.

    Args:
        work: The run folder, with the stage match begun.
        options: How pairs are matched.
        metadata: The lists of entries.
        language_table: The table from language labels to metadata languages.
    """

    def __init__(
        self, work: Workspace, options: MatchOptions, metadata: RunMetadata, language_table: LanguageTable
    ) -> None:
        self._work = work
        self._folder = work.folder
        self._options = options
        self._metadata = metadata
        self._language_table = language_table

    def match(self) -> bool:
        """Matches what isn't matched.

        Returns:
            Whether that was possible. It isn't if a new pair precedes a known one of the same uid, whose row it would
            replace.
        """
        generations = self._folder.generations()
        covered = {part for generation in generations for part in generation.pairs}
        added = sorted(set(self._folder.parts("extract")) - covered)
        if added or not generations:
            generations = (*generations, Generation(tuple(added), self._options.dedup_passes))
            self._folder.record_generations(generations)
        return all(self._match_generation(number, generations) for number in range(len(generations)))

    def _match_generation(self, number: int, generations: Sequence[Generation]) -> bool:
        passes = generations[number].passes
        names = [f"{number:05d}-{dedup_pass:05d}" for dedup_pass in range(passes)]
        done = self._folder.match_parts()
        if all(name in done for name in names):
            return True
        pairs = self._pairs(number, generations)
        for dedup_pass, name in enumerate(names):
            if name not in done and not self._match_pass(name, pairs, dedup_pass, passes):
                return False
        self._require_all_read(names, pairs.files)
        return True

    def _pairs(self, number: int, generations: Sequence[Generation]) -> _GenerationPairs:
        before = [part for earlier in generations[:number] for part in earlier.pairs]
        files = self._folder.table_files("extract", "pairs", generations[number].pairs)
        new = read_table(self._work.spark, files, PAIRS)
        known = self._work.read("extract", "pairs", PAIRS, before)
        return _GenerationPairs(files, new, known if before else None, count_labels(new, known))

    def _match_pass(self, name: str, pairs: _GenerationPairs, dedup_pass: int, passes: int) -> bool:
        """Matches a share of a generation's uids as one part; returns False as `match` does."""
        folder = self._folder.part("matched", name)
        if not pairs.labels:
            empty = self._work.spark.createDataFrame([], ddl(MATCHED))
            files = write_table(empty, LAYOUT, folder, self._folder.options)
            self._folder.commit_part("match", name, MatchPart(languages={}), FileList({"matched": files}))
            return True
        languages = self._metadata_languages(pairs.labels)
        sizes: dict[str, int] = {}
        for label, size in pairs.labels.items():
            sizes[languages[label]] = sizes.get(languages[label], 0) + -(-size // passes)
        new = pairs_of_pass(pairs.new, dedup_pass, passes)
        known = None if pairs.known is None else pairs_of_pass(pairs.known, dedup_pass, passes)
        shuffled = shuffle_by_language(self._work.spark, new, known, languages, sizes, self._options.pairs_per_task)
        options = self._options
        task = MatchTask(
            options.metadata,
            self._metadata.digests,
            options.entry_spacing,
            self._folder.options,
            options.normalize,
        )
        totals, files = write_matched(shuffled, self._work.spark, task, folder)
        counts = {language: MatchCounts(**sums) for language, sums in sorted(totals.items())}
        if any(of_language.superseding for of_language in counts.values()):
            return False
        self._folder.commit_part("match", name, MatchPart(languages=counts), FileList({"matched": files}))
        return True

    def _metadata_languages(self, labels: Mapping[str, int]) -> dict[str, str]:
        """Returns for each label the language whose entries its texts are searched for, or NO_METADATA."""
        languages = {}
        for label in labels:
            language = self._language_table.metadata_language(label, self._metadata.folder.languages)
            languages[label] = language if language in self._metadata.digests else NO_METADATA
        return languages

    def _require_all_read(self, names: Sequence[str], files: Sequence[TableFile]) -> None:
        """Compares the pairs that a generation read with those in its files; removes its parts if they differ."""
        parts = self._folder.match_parts()
        read = [counts.pairs for name in names for counts in parts[name].languages.values()]
        expected = None if None in read else rows_of(files)  # a part of an older run doesn't have what was read
        try:
            self._work.require_all("match", "pairs", sum(filter(None, read)), expected)
        except JobFailedError:
            self._folder.replace_parts("match", names, {})
            raise


def summarize_matches(folder: RunFolder, metadata: str) -> MatchSummary:
    """Adds up the parts of `matched`.

    Args:
        folder: A run folder with all parts finished.
        metadata: Path or URL of the metadata folder.
    """
    counts: dict[str, list[MatchCounts]] = {}
    for part in folder.match_parts().values():
        for language, of_part in part.languages.items():
            counts.setdefault(language, []).append(of_part)
    rows = {language: _language_matches(language, of_parts) for language, of_parts in sorted(counts.items())}
    without = rows.pop(NO_METADATA, None)
    return MatchSummary(
        languages=tuple(rows.values()), no_metadata=without.distinct if without else 0, metadata=metadata
    )


def _language_matches(language: str, parts: Sequence[MatchCounts]) -> LanguageMatches:
    known = [counts.occurrences for counts in parts if counts.occurrences is not None]
    return LanguageMatches(
        language,
        sum(counts.distinct for counts in parts),
        sum(counts.matched for counts in parts),
        sum(known) if len(known) == len(parts) else None,
    )
