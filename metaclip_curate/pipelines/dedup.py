"""Deduplication in generations: each covers parts of `pairs` that the generations before it don't.

When a run has grown, only its new pairs are deduplicated, and those whose uid is known are left out. Each generation
takes passes over a share of the uids, and each pass commits one part of `distinct`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError
from metaclip_curate.language import LabelRule
from metaclip_curate.options.dedup import DedupOptions
from metaclip_curate.pipelines.workspace import Workspace
from metaclip_curate.run.file_list import FileList, Origin
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.record import DedupPart, Generation
from metaclip_curate.run.summaries import DedupSummary
from metaclip_curate.stages.dedup import write_distinct
from metaclip_curate.stages.dedup_task import DedupTask, KnownFile, RankedFile, origin_hash


@dataclass(frozen=True)
class _PairsFile:
    """A file of `pairs`, in the order in which equal uids are decided."""

    origin: Origin
    url: str
    rows: int
    part: str

    @property
    def hash(self) -> int:
        """The number that stands for the input file in rows of `distinct`."""
        return origin_hash(self.origin.crawl, self.origin.source_file)


class Deduplicator:
    """Deduplicates the pairs that aren't deduplicated yet.

    Args:
        work: The run folder, with the stage dedup begun.
        options: How pairs are deduplicated.
    """

    def __init__(self, work: Workspace, options: DedupOptions) -> None:
        self._work = work
        self._folder = work.folder
        self._options = options

    def deduplicate(self) -> bool:
        """Deduplicates what isn't deduplicated.

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
        return all(self._deduplicate_generation(number, generations) for number in range(len(generations)))

    def _deduplicate_generation(self, number: int, generations: Sequence[Generation]) -> bool:
        names = part_names(number, generations[number])
        done = self._folder.dedup_parts()
        if all(name in done for name in names):
            return True
        task = self._task(number, generations)
        missing = [name for name in names if name not in done]
        self._folder.begin_parts("dedup", missing[:1])
        for next_one, name in enumerate(missing, 1):
            of_pass = replace(task, dedup_pass=names.index(name))
            if not self._deduplicate_pass(name, of_pass, missing[next_one : next_one + 1]):
                return False
        self._require_all_read(names, sum(file.rows for file in task.files))
        return True

    def _task(self, number: int, generations: Sequence[Generation]) -> DedupTask:
        new = set(generations[number].pairs)
        before = [part for earlier in generations[:number] for part in earlier.pairs]
        known = [name for earlier in range(number) for name in part_names(earlier, generations[earlier])]
        files = sorted(self._pairs_files([*before, *new]), key=lambda file: (file.origin, file.part, file.url))
        ranked = list(enumerate(files))
        # Only the new files are read, and therefore checked.
        self._folder.table_files("extract", "pairs", sorted(new))
        options = self._options
        return DedupTask(
            files=[RankedFile(file.url, file.rows, rank) for rank, file in ranked if file.part in new],
            known=[
                KnownFile(file.url, file.rows)
                for file in self._folder.table_files("dedup", "distinct", known)
                if file.rows
            ],
            ranks={
                origin_hash(file.origin.crawl, file.origin.source_file): rank
                for rank, file in reversed(ranked)
                if file.part not in new
            },
            rule=LabelRule.of(options.lid_fallback, options.min_lid_score),
            lid_model=options.lid_model,
            pairs_per_file=options.pairs_per_task,
            passes=generations[number].passes,
            dedup_pass=0,
            storage=self._folder.options,
            kept=self._folder.kept_columns(),
        )

    def _pairs_files(self, parts: Sequence[str]) -> list[_PairsFile]:
        """Returns the files of some parts of `pairs` that have rows."""
        found = []
        for part in parts:
            listed = self._folder.file_list("extract", part) or FileList({"pairs": []})
            folder = self._folder.part("pairs", part)
            found += [
                _PairsFile(listed.origins[file.name], storage.join(folder, file.name), file.rows, part)
                for file in listed.tables["pairs"]
                if file.rows
            ]
        return found

    def _deduplicate_pass(self, name: str, task: DedupTask, following: Sequence[str]) -> bool:
        """Deduplicates a share of a generation's uids as one part; returns False as `deduplicate` does."""
        result = write_distinct(self._work.spark, task, self._folder.part("distinct", name))
        if result.superseding:
            return False
        part = DedupPart(pairs=result.pairs, labels=result.labels)
        self._folder.commit_part("dedup", name, part, FileList({"distinct": result.files}), following)
        return True

    def _require_all_read(self, names: Sequence[str], expected: int) -> None:
        """Compares the pairs that a generation read with those in its files; removes its parts if they differ."""
        parts = self._folder.dedup_parts()
        try:
            self._work.require_all("dedup", "pairs", sum(parts[name].pairs for name in names), expected)
        except JobFailedError:
            self._folder.replace_parts("dedup", names, {})
            raise


def part_names(number: int, generation: Generation) -> list[str]:
    """Returns the names of a generation's parts of `distinct`, and of `matched`."""
    return [f"{number:05d}-{dedup_pass:05d}" for dedup_pass in range(generation.passes)]


def summarize_distinct(folder: RunFolder) -> DedupSummary:
    """Adds up the parts of `distinct`.

    Args:
        folder: A run folder with all parts finished.
    """
    labels: Counter[str] = Counter()
    for part in folder.dedup_parts().values():
        labels.update(part.labels)
    return DedupSummary(dict(sorted(labels.items())))
