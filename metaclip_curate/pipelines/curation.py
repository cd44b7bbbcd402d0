"""The pipeline from input files to the manifest. It does what is missing in a run folder, and marks what is finished.

pairs      = extract(inputs)
distinct   = dedup(pairs)
matched    = match(distinct, metadata)
counts     = count(matched, metadata)
thresholds = balance(matched, counts, t)
manifest   = sample(matched, counts, thresholds, seed)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa

from metaclip_curate.console.wording import counted
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.pipelines.checked_options import CheckedOptions
from metaclip_curate.pipelines.dedup import Deduplicator, summarize_distinct
from metaclip_curate.pipelines.manifest import draw_manifest
from metaclip_curate.pipelines.match import PartMatcher, summarize_matches
from metaclip_curate.pipelines.no_match import why_none_matched
from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.reread import Rereader, changed_inputs, unread
from metaclip_curate.pipelines.rounds import RoundReader, inputs_read, summarize_inputs
from metaclip_curate.pipelines.workspace import Console, Log, Workspace
from metaclip_curate.run.file_list import FileList, PartFile
from metaclip_curate.run.finished import require_finished
from metaclip_curate.run.manifest_files import part_name
from metaclip_curate.run.owner import owning
from metaclip_curate.run.stages import STAGES, stages_before
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
    DedupSummary,
    ExtractSummary,
    LanguageThreshold,
    MatchSummary,
)
from metaclip_curate.schemas import COUNTS, MATCHED
from metaclip_curate.stages import balance
from metaclip_curate.stages.count import CountTask, ListedEntries, write_counts
from metaclip_curate.stages.shared.parquet_files import write_file


class Pipeline:
    """The stages of one run folder.

    Args:
        options: Options of all stages.
        command: The command line, for the data card.
        log: Receives lines about what the run does.
        status: Receives lines about progress, each of which replaces the last.

    Attributes:
        options: As given.
        folder: The run folder.

    Raises:
        UserError: The run folder can't be used, or the options are others than `Options`.
    """

    def __init__(self, options: Options, command: str = "", log: Log = print, status: Log = lambda line: None) -> None:
        if not isinstance(options, Options):
            raise UserError(
                f"Pipeline takes Options, not {type(options).__name__}: give groups of options as its fields, such as "
                'Options(run=RunOptions(output="out"))'
            )
        self.options = options
        self._command = command
        self._work = Workspace(options.run, options.storage, command, Console(log, status), options.recipe)
        self.folder = self._work.folder
        self._checked = CheckedOptions(options, self.folder, lambda: self._work.spark, log)

    @property
    def warnings(self) -> Sequence[str]:
        """Warnings about lists of screens, which a summary repeats since a long run's log has scrolled away by then."""
        return self._checked.screens.warnings

    def owned(self) -> AbstractContextManager[None]:
        """Returns a block at whose end the run folder is released. Each stage is one; several may share one."""
        return self.folder.owned()

    @owning
    def run(self, again_from: str = "") -> None:
        """Checks everything that the user gave, and then does what is missing of all stages.

        Args:
            again_from: A stage that is done again, with those after it. Their tables are removed when the first of them
                begins, so that nothing is lost if a check fails. Without inputs, the stages before it must be finished
                and are kept as they are; with inputs, what is missing of them is computed first.

        Raises:
            UserError: Something that was given is wrong, or inputs are missing, without which a stage isn't finished.
            JobFailedError: Too many inputs failed, or the index of a crawl can't be read.
        """
        kept = stages_before(again_from) if again_from and not self.options.extract.input else ()
        if kept:
            self._keep(kept)
        if again_from:
            self.folder.forget(again_from)
        stages = STAGES[len(kept) :]
        self._check(stages)
        steps: dict[str, Callable[[], object]] = {
            "extract": self.extract,
            "dedup": self.dedup,
            "match": self.match,
            "count": self.count,
            "balance": self.balance,
            "sample": self.sample,
        }
        for stage in stages:
            steps[stage]()

    def _keep(self, stages: Sequence[str]) -> None:
        """Checks that stages which need no input are finished, with the options that were given."""
        if self.options.extract.retry_failed:
            raise UserError("--retry-failed reads inputs again: name them with --input, or leave it out")
        require_finished(self.folder, stages[-1])
        for stage in stages:
            self._checked.kept(stage)
        self._work.console.log(
            f"{', '.join(stages)}: kept as {'they are' if len(stages) > 1 else 'it is'}, without --input"
        )

    def _check(self, stages: Collection[str]) -> None:
        """Checks what the user gave for some stages, before the first of them begins."""
        if "extract" in stages:
            self._checked.extract()
        if "dedup" in stages:
            self._checked.dedup()
        if "match" in stages:
            self._checked.match()
            if not self.folder.parts("match"):
                self._checked.screens.check_lists()
                self._checked.screens.check_where(
                    self._checked.kept_columns if "extract" in stages else self.folder.kept_columns()
                )
        if "count" in stages:
            self._checked.check_anchor()

    @owning
    def extract(self) -> ExtractSummary:
        """Reads the inputs that haven't been read. Fails if too many of all inputs couldn't be read."""
        options = self._checked.extract()
        if self._checked.page_selector.is_incomplete:
            self.folder.begin("extract", options, self._work.upstream("extract"))
            self._checked.page_selector.select(self._work)
        new, changed = self._new_inputs(), changed_inputs(self.folder)
        again = self._inputs_to_reread(changed)
        if new or again or not self._work.is_finished("extract"):
            self._require_different_urls(new)
            self.folder.begin("extract", options, self._work.upstream("extract"))
            reader = RoundReader(self._work, self.options, self._checked.inputs, self._checked.pool_inputs)
            Rereader(self._work, reader, changed).read(again)
            reader.read(new)
            self.folder.finish("extract", summarize_inputs(self.folder))
        return self._require_few_failures()

    @owning
    def dedup(self) -> DedupSummary:
        """Keeps each uid once and identifies the texts' languages; in a run that has grown, of new pairs only."""
        self._work.upstream("dedup")
        options = self._checked.dedup()
        if not self._work.is_finished("dedup"):
            if not self._deduplicate(options):
                # A new pair precedes the known one of its uid and would replace its row.
                self._work.console.log(
                    "dedup: a new input precedes older ones, so all pairs are deduplicated and matched again"
                )
                self.folder.discard("dedup")
                self._deduplicate(options)
            self.folder.finish("dedup", summarize_distinct(self.folder))
        return self.folder.summary(DedupSummary)

    @owning
    def match(self) -> MatchSummary:
        """Finds the entries in the distinct pairs' texts; in a run that has grown, in the new ones only."""
        self._require_upstream("match")
        options = self._checked.match()
        if not self._checked.knows_removals():
            self._work.console.log("match: pairs were removed since, so match and what follows are done again")
            self.folder.forget("match")
        if not self._work.is_finished("match"):
            metadata, languages = self._checked.metadata, self._checked.language_table
            screens = self._checked.screens
            screens.check_where(self.folder.kept_columns())
            with self._work.stage("match", options, grows=True):
                PartMatcher(self._work, self.options.match, metadata, languages, screens).match()
            self.folder.finish("match", summarize_matches(self.folder, self.options.match.metadata))
        summary = self.folder.summary(MatchSummary)
        if not summary.matched:
            self._work.console.log(f"match: {why_none_matched(summary)}")
        return summary

    @owning
    def count(self) -> CountSummary:
        """Counts the texts that contain each entry."""
        self._require_upstream("count")
        options = self._checked.count()
        if not self._work.is_finished("count"):
            self._checked.require_removals("count")
            with self._work.stage("count", options):
                files = self._write_counts(options["metadata_digests"])
            self.folder.finish("count", CountSummary(), FileList({"counts": files}))
        return self.folder.summary(CountSummary)

    @owning
    def balance(self) -> BalanceSummary:
        """Chooses the thresholds, and logs how many pairs to expect."""
        options = self._checked.balance()
        if not self._work.is_finished("balance"):
            self._checked.require_removals("balance")
            with self._work.stage("balance", options):
                thresholds = self._thresholds()
                rows = tuple(LanguageThreshold(**row) for row in thresholds.to_pylist())
                matched = self.folder.summary(MatchSummary).matched
                self._work.require_all("balance", "matched pairs", BalanceSummary(rows).pairs, matched)
                file = write_file(
                    iter([thresholds]),
                    balance.LAYOUT,
                    self.folder.table("thresholds"),
                    lambda: part_name(0),
                    self.folder.options,
                )
            self.folder.finish("balance", BalanceSummary(rows), FileList({"thresholds": [file]}))
        summary = self.folder.summary(BalanceSummary)
        self._work.console.log(
            f"balance: of {summary.pairs:,} matched pairs {summary.expected_pairs:,.1f} are expected to be kept"
        )
        return summary

    @owning
    def sample(self) -> None:
        """Draws, and writes the manifest and its data card."""
        options = self._checked.sample()
        if not self._work.is_finished("sample"):
            self._checked.require_removals("sample")
            with self._work.stage("sample", options):
                summary, files = draw_manifest(self._work, self.options, self._command)
            self.folder.finish("sample", summary, FileList({"manifest": files}))
        elif "manifest" not in self.folder.removing:  # else a removal that was interrupted has to be finished first
            self.folder.table_files("sample", "manifest")  # checks that it still is what was written

    def report(self) -> None:
        """Writes the report of a finished run, which `run` and `sample` don't.

        A failure is logged and not raised, since the run is complete without a report.

        Raises:
            UserError: The run isn't finished.
        """
        from metaclip_curate.pipelines.report import write_after_run  # which most stages don't need

        self.folder.require("sample")
        write_after_run(self.folder, lambda: self._work.spark, self.options.report, self._work.console.log)

    # Steps of the stages

    def _new_inputs(self) -> list[str]:
        done = inputs_read(self.folder)
        new = self._checked.inputs.not_among(done, self.options.storage)
        new += [name for name in self._checked.page_selector.names() if name not in done]
        if done:
            self._work.console.log(f"extract: {counted(len(done), 'input file')} done, {len(new):,} new")
        return new

    def _inputs_to_reread(self, changed: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
        again = unread(self.folder, changed) if self.options.extract.retry_failed else {}
        if changed and not again:
            self._work.console.log(
                f"extract: {counted(len(changed), 'input file')} changed after being read ({min(changed)}): "
                "--retry-failed reads what changed again"
            )
        return again

    def _require_different_urls(self, new: Sequence[str]) -> None:
        """Checks that the files of a pool without URLs can be told apart by the URLs that their pairs are given."""
        pools = self._checked.pool_inputs
        known = {name: path for part in self.folder.parts("extract") for name, path in self._paths_of(part).items()}
        pools.require_different(pools.below(new), known)

    def _paths_of(self, part: str) -> Mapping[str, str]:
        files = self.folder.file_list("extract", part)
        return files.below if files else {}

    def _require_few_failures(self) -> ExtractSummary:
        summary = self.folder.summary(ExtractSummary)
        if summary.failed > self.options.extract.max_failed_inputs * summary.files:
            raise JobFailedError(
                f"{summary.failed:,} of {summary.files:,} input files failed, more than --max-failed-inputs "
                f"{self.options.extract.max_failed_inputs} allows: the table inputs in {self.folder.root} says why"
            )
        return summary

    def _require_upstream(self, stage: str) -> None:
        """Reports a mistyped folder before a session is started to read the lists."""
        self._checked.require_metadata()
        self._work.upstream(stage)

    def _deduplicate(self, options: dict[str, Any]) -> bool:
        with self._work.stage("dedup", options, grows=True):
            return Deduplicator(self._work, self.options.dedup).deduplicate()

    def _write_counts(self, metadata_digests: dict[str, str]) -> list[PartFile]:
        languages = [row.metadata_lang for row in self.folder.summary(MatchSummary).languages if row.matched]
        digests = {language: metadata_digests[language] for language in languages}
        entries = ListedEntries(self.options.match.metadata, digests, self.folder.options)
        task = CountTask(entries, self.folder.table("counts"), self.folder.options)
        files, matches = write_counts(self._work.read("match", "matched", MATCHED), task)
        self._work.require_all("count", "matches", matches, self.folder.summary(MatchSummary).occurrences)
        return files

    def _thresholds(self) -> pa.RecordBatch:
        counts = self._work.read("count", "counts", COUNTS)
        matched = self._work.read("match", "matched", MATCHED)
        return balance.balance(matched, counts, self.options.balance, self.options.draw)
