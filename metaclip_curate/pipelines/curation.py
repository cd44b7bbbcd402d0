"""The stages on a run folder: what is missing is done, and what is finished is marked.

pairs      = extract(inputs)
matched    = match(pairs, metadata)
counts     = count(matched, metadata)
thresholds = balance(matched, counts, t)
manifest   = sample(matched, counts, thresholds, seed)
"""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import storage
from metaclip_curate.console.file_reports import FileReport, Reports, reports_file
from metaclip_curate.console.interrupts import cancel_jobs
from metaclip_curate.console.progress import FileProgress, file_line
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.extract import ReadOptions
from metaclip_curate.language import LanguageIdentifier, LanguageTable, load_language_table
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.options.fields import table_options
from metaclip_curate.options.match import MatchOptions
from metaclip_curate.options.report import ReportOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.pipelines.report import write_after_run
from metaclip_curate.pipelines.reread import Part, Replacement, changed_inputs, unread
from metaclip_curate.pipelines.run_metadata import RunMetadata
from metaclip_curate.publish.datacard import build_datacard
from metaclip_curate.run import own_files
from metaclip_curate.run.folder import STAGES, RunFolder, remedy
from metaclip_curate.run.owner import Listener, RunOwner, owning
from metaclip_curate.run.part_files import FileList, PartFile, rows_of, states_of
from metaclip_curate.run.record import ExtractPart, Generation, MatchCounts, MatchPart
from metaclip_curate.run.summaries import (
    BalanceSummary,
    CountSummary,
    ExtractSummary,
    LanguageMatches,
    LanguageThreshold,
    LanguageTotals,
    MatchSummary,
    SampleSummary,
)
from metaclip_curate.schemas import COUNTS, INPUTS, MATCHED, PAIRS, THRESHOLDS, ddl
from metaclip_curate.spark.progress import task_progress
from metaclip_curate.spark.session import get_session
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

INPUT_STATES = ("ok", "partial", "failed")
FUNNEL_COLUMNS = [column.name for column in INPUTS if pa.types.is_int64(column.type)]
# A run that dies loses at most the rounds in flight; two are, so that cores that one no longer needs take the other's.
_ROUNDS_IN_FLIGHT = 2
_SMALLEST_ROUND, _LARGEST_ROUND, _ROUNDS = 8, 1000, 50
_STATUS_SECONDS = 1.0

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """All options of a run."""

    run: RunOptions = field(default_factory=RunOptions)
    storage: StorageOptions = field(default_factory=StorageOptions)
    extract: ExtractOptions = field(default_factory=ExtractOptions)
    match: MatchOptions = field(default_factory=MatchOptions)
    balance: BalanceOptions = field(default_factory=BalanceOptions)
    draw: DrawOptions = field(default_factory=DrawOptions)
    sample: SampleOptions = field(default_factory=SampleOptions)
    report: ReportOptions = field(default_factory=ReportOptions)


class Pipeline:
    """The stages of one run folder.

    Args:
        options: Of all stages.
        command: The command line, for the data card.
        tell: Takes lines about what goes on.
        status: Takes lines about how far it is, each in the place of the last.

    Raises:
        UserError: The run folder can't be used.
    """

    def __init__(
        self, options: Options, command: str = "", tell: Tell = print, status: Tell = lambda line: None
    ) -> None:
        if not options.run.output:
            raise UserError("--output is missing: name the run folder")
        own_files.require_plain_name(options.run.output)
        self.options = options
        self.command = command
        self._tell = tell
        self._status = status
        owner = RunOwner(options.run.output, options.storage, command, Listener(tell, cancel_jobs))
        self.folder = RunFolder(options.run.output, options.storage, owner)

    @cached_property
    def spark(self) -> SparkSession:
        """The session, started when the first stage needs it."""
        return get_session(self.options.run)

    def owned(self) -> AbstractContextManager[None]:
        """A block at whose end the run folder is released; each stage is one, as several stages may be."""
        return self.folder.owned()

    @owning
    def run(self, again_from: str = "") -> None:
        """Does what is missing of all stages, after a look at everything that the user gave.

        Args:
            again_from: A stage that is done again, with those after it. What there is of them is removed when the
                first of them begins, so that nothing is lost where something that was given is wrong.
        """
        if again_from:
            self.folder.forget(again_from)
        self._check_inputs()
        self._check_metadata()
        self._check_anchor()
        self.extract()
        self.match()
        self.count()
        self.balance()
        self.sample()

    @owning
    def extract(self) -> None:
        """Reads the inputs that haven't been read, and fails if too many of all couldn't be."""
        options = self._check_inputs()
        done = self._inputs_read()
        missing = self._inputs.not_among(done, self.options.storage)
        if done:
            self._tell(f"extract: {len(done):,} input files are done, {len(missing):,} are new")
        changed = changed_inputs(self.folder)
        again = unread(self.folder, changed) if self.options.extract.retry_failed else {}
        if changed and not again:
            self._tell(
                f"extract: {len(changed):,} input files have changed since they were read ({min(changed)}): "
                "--retry-failed reads them again"
            )
        if missing or again or not self._finished("extract", ""):
            self.folder.begin("extract", options, "")
            self._read_again(again, changed)
            self._read_inputs(missing)
            self.folder.finish("extract", self._inputs_summary())
        summary = self.folder.summary(ExtractSummary)
        failed, files = summary.failed, summary.files
        if failed > self.options.extract.max_failed_inputs * files:
            raise JobFailedError(
                f"{failed:,} of {files:,} input files failed, more than --max-failed-inputs "
                f"{self.options.extract.max_failed_inputs} allows: the table inputs in {self.folder.root} says why"
            )

    @owning
    def match(self) -> None:
        """Deduplicates the pairs and matches them; of a run that has grown, only the new ones."""
        options = self._check_metadata()
        self.folder.check_options("match", options)
        upstream = self.folder.fingerprint("extract")
        if self._finished("match", upstream):
            return
        from metaclip_curate.stages.match import NO_METADATA

        with self._working("match", options, upstream, grows=True):
            whole = self._match_generations()
        if not whole:
            # A new input comes before an old one that has the same pair, whose row it replaces: all is done again.
            self._tell("match: a new input precedes older ones, so all pairs are matched again")
            self.folder.discard("match")
            with self._working("match", options, upstream, grows=True):
                self._match_generations()
        self.folder.finish("match", self._match_summary(NO_METADATA))

    @owning
    def count(self) -> None:
        """Counts the texts of every entry."""
        options = {"metadata_digests": self._check_metadata()["metadata_digests"]}
        self.folder.check_options("count", options)
        upstream = self.folder.fingerprint("match")
        if self._finished("count", upstream):
            return
        from metaclip_curate.stages.count import LAYOUT, count
        from metaclip_curate.stages.shared.metadata_entries import entries_table
        from metaclip_curate.stages.shared.tables import write_table

        with self._working("count", options, upstream):
            languages = [row.metadata_lang for row in self.folder.summary(MatchSummary).languages if row.matched]
            digests = {language: options["metadata_digests"][language] for language in languages}
            if digests:
                entries = entries_table(self.spark, self.options.match.metadata, digests, self.options.storage)
                counts = count(self._read("match", "matched", MATCHED), entries)
            else:
                counts = self.spark.createDataFrame([], ddl(COUNTS))
            files = write_table(counts, LAYOUT, self.folder.table("counts"), self.options.storage)
            self._require_counted(files)
        self.folder.finish("count", CountSummary(), FileList({"counts": files}))

    def _require_counted(self, files: Sequence[PartFile]) -> None:
        """Holds the sum of all counts to the number of matches that were written."""
        expected = self.folder.summary(MatchSummary).occurrences
        if expected is not None:  # it isn't known of an older run
            from metaclip_curate.stages.shared.tables import read_named

            counts = read_named(self.spark, self.folder.table("counts"), files, COUNTS)
            found = counts.agg({"count": "sum"}).collect()[0][0] or 0
            self._require_all("count", "matches", found, expected)

    @owning
    def balance(self) -> None:
        """Chooses the thresholds and tells how many pairs to expect."""
        self._check_recorded_metadata()
        options = table_options(self.options.balance) | self._draw_options()
        self.folder.check_options("balance", options)
        upstream = self.folder.fingerprint("count")
        if not self._finished("balance", upstream):
            from metaclip_curate.stages.balance import LAYOUT, balance
            from metaclip_curate.stages.shared.tables import write_table

            with self._working("balance", options, upstream):
                counts = self._read("count", "counts", COUNTS)
                matched = self._read("match", "matched", MATCHED)
                thresholds = balance(self.spark, matched, counts, self.options.balance, self.options.draw)
                summary = BalanceSummary(tuple(LanguageThreshold(**row.asDict()) for row in thresholds.collect()))
                self._require_all("balance", "matched pairs", summary.pairs, self.folder.summary(MatchSummary).matched)
                files = write_table(thresholds, LAYOUT, self.folder.table("thresholds"), self.options.storage)
            self.folder.finish("balance", summary, FileList({"thresholds": files}))
        summary = self.folder.summary(BalanceSummary)
        self._tell(f"balance: of {summary.pairs:,} matched pairs {summary.expected_pairs:,.1f} are expected to be kept")

    @owning
    def sample(self) -> None:
        """Draws, and writes the manifest and its data card."""
        self._check_recorded_metadata()
        draw = table_options(self.options.draw)
        self.folder.check_options("balance", self.folder.options_of("balance") | self._draw_options())
        options = table_options(self.options.sample) | draw
        self.folder.check_options("sample", options)
        upstream = self.folder.fingerprint("balance")
        if self._finished("sample", upstream):
            return
        from metaclip_curate.stages.after.datacard import language_totals
        from metaclip_curate.stages.draw import DrawTask, draw_files
        from metaclip_curate.stages.manifest import write_manifest
        from metaclip_curate.stages.sample import ORDERED, head_entries
        from metaclip_curate.stages.shared.tables import read_files

        with self._working("sample", options, upstream):
            counts = self._read("count", "counts", COUNTS)
            matched = self._read("match", "matched", MATCHED)
            balanced = self.folder.summary(BalanceSummary)
            head = head_entries(
                self.spark, counts, [(row.metadata_lang, row.t, row.entries) for row in balanced.languages]
            )
            work, manifest = self.folder.work("kept"), self.folder.table("manifest")
            files = [file.url for file in self.folder.table_files("match", "matched")]
            read, drawn = draw_files(self.spark, DrawTask(files, head, self.options.draw, work, self.options.storage))
            if self.options.draw.texts_per_image == "all":  # else files without a text that draws aren't read
                self._require_all("sample", "matched pairs", read, balanced.pairs)
            kept = read_files(self.spark, [work], ddl(ORDERED))
            written = write_manifest(
                self.spark, kept, manifest, self.options.sample.rows_per_file, self.options.storage
            )
            rows = sum(file.rows for file in written)
            self._require_all("sample", "drawn pairs", rows, drawn)
            limits = self._read("balance", "thresholds", THRESHOLDS)
            languages = tuple(LanguageTotals(**row) for row in language_totals(matched, kept, counts, limits))
            self._require_all("sample", "pairs of the manifest", sum(row.pairs_out for row in languages), rows)
            self.folder.write_small(own_files.DATACARD, build_datacard(self.folder, languages, self._provenance()))
        self.folder.finish("sample", SampleSummary(len(written), rows, languages), FileList({"manifest": written}))

    def report(self) -> None:
        """Writes the report of a finished run, which `run` and `sample` don't; it raises nothing."""
        write_after_run(self.folder, lambda: self.spark, self.options.report, self._tell)

    def _provenance(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "spark": self.spark.version,
            "metadata": self.folder.summary(MatchSummary).metadata,
        }

    # What the user gave

    @cached_property
    def _inputs(self) -> storage.Inputs:
        given = self.options.extract.input
        if not given:
            raise UserError("--input is missing: name WAT files, folders, globs or lists of them")
        return storage.expand_inputs(given, self.options.storage, self.options.draw.seed)

    @cached_property
    def _metadata(self) -> RunMetadata:
        return RunMetadata(self.options.match, self.options.storage, lambda: self.spark)

    @cached_property
    def _language_table(self) -> LanguageTable:
        return load_language_table(self.options.match.language_table or None)

    @cached_property
    def _lid_model_digest(self) -> str:
        return LanguageIdentifier(self.options.extract.lid_model or None).digest

    def _check_inputs(self) -> dict[str, Any]:
        own_files.require_outside(self.folder.root, self._inputs.names, self.options.storage)
        options = table_options(self.options.extract) | {"lid_model_digest": self._lid_model_digest}
        self.folder.check_options("extract", options)
        return options

    def _check_metadata(self) -> dict[str, Any]:
        options = table_options(self.options.match) | {
            "metadata_digests": self._metadata.digests,
            "language_table_digest": self._language_table.digest,
        }
        self.folder.check_options("match", options)
        return options

    def _check_anchor(self) -> None:
        options = self.options.balance
        anchor = options.anchor_language
        if options.same_t or options.tail_share is not None or anchor in self._metadata.digests:
            return
        raise UserError(
            f"the metadata folder {self._metadata.folder.path} has no file for the anchor language {anchor}: add "
            f"{anchor}.json or {anchor}.txt, or use --anchor-language, --tail-share or --same-t"
        )

    def _check_recorded_metadata(self) -> None:
        recorded = self.folder.options_of("match").get("metadata_digests", {})
        self._metadata.check_unchanged(self.folder.summary(MatchSummary).metadata, recorded, self.folder.root)

    def _draw_options(self) -> dict[str, Any]:
        """What of the draw decides about the thresholds table."""
        draw = table_options(self.options.draw)
        return draw if self.options.draw.texts_per_image == "one" else {"texts_per_image": "all"}

    # Extraction in rounds

    def _inputs_read(self) -> set[str]:
        read = self.folder.read_small("extract", "inputs", ["path"])
        return set(read.column("path").to_pylist()) if read.num_rows else set()

    def _read_inputs(self, missing: list[str]) -> None:
        if not missing:
            return
        rounds = self._rounds(missing)
        first = self._first_new_part()
        stop = threading.Event()
        self.spark  # noqa: B018 (its start isn't part of the rate)
        progress = FileProgress(len(missing))
        with reports_file() as file, ThreadPoolExecutor(_ROUNDS_IN_FLIGHT) as pool:

            def read(number: int, paths: list[str]) -> list[dict[str, Any]]:
                return [] if stop.is_set() else self._read_round(f"{first + number:05d}", paths, str(file))

            reports = Reports(file)
            pending = {pool.submit(read, number, paths) for number, paths in enumerate(rounds)}
            try:
                while pending:
                    done, pending = wait(pending, _STATUS_SECONDS, FIRST_COMPLETED)
                    for report in reports.new():
                        progress.add(report)
                    for row in (row for future in done for row in future.result()):
                        progress.add(FileReport(row["path"], row["pairs"], finished=True))
                        self._tell(f"extract: {_line(row)}")
                    self._status(f"extract: {progress}")
            finally:
                stop.set()
                self._status("")
        self._tell(f"extract: {progress}")

    def _rounds(self, paths: list[str]) -> list[list[str]]:
        size = self.options.extract.files_per_round or min(
            _LARGEST_ROUND, max(_SMALLEST_ROUND, -(-len(paths) // _ROUNDS))
        )
        return [paths[start : start + size] for start in range(0, len(paths), size)]

    def _first_new_part(self) -> int:
        # Rounds end in any order: after a run that died there may be a part 1 and no part 0.
        return 1 + max(map(int, self.folder.parts("extract")), default=-1)

    def _read_again(self, before: Mapping[str, list[dict[str, Any]]], changed: Collection[str]) -> None:
        """Reads files again that couldn't be read, or not to their end, or that have changed."""
        paths = sorted(row["path"] for rows in before.values() for row in rows)
        if not paths:
            return
        self._tell(f"extract: {len(paths):,} input files that couldn't be read whole, or have changed, are read again")
        names = (f"{number:05d}" for number in itertools.count(self._first_new_part()))
        read = []
        for of_round in self._rounds(paths):
            name = next(names)
            read.append(Part(name, *self._write_round(name, of_round, "")))
            for account in read[-1].accounts:
                self._tell(f"extract: {_line(account)}")
        replacement = Replacement(self.spark, self.folder, names.__next__, _extract_part, changed)
        replaced = replacement.replace(before, read)
        self._tell(f"extract: {len(replaced):,} of them take the place of what was read before")

    def _read_round(self, part: str, paths: list[str], reports: str) -> list[dict[str, Any]]:
        """Reads files and commits what came of them; returns their accounts."""
        accounts, files = self._write_round(part, paths, reports)
        self.folder.commit_part("extract", part, _extract_part(accounts), files)
        return accounts

    def _write_round(self, part: str, paths: list[str], reports: str) -> tuple[list[dict[str, Any]], FileList]:
        from metaclip_curate.stages.extract import ExtractTask, write_pairs

        options = self.options.extract
        read = ReadOptions(options.ignore_opt_out, options.max_record_bytes)
        task = ExtractTask(options.lid_model, read, self.options.storage, self._inputs.of(paths), reports)
        # Before they are read: what changes from now on shows.
        states = states_of(paths)
        accounts, pairs = write_pairs(self.spark, paths, task, self.folder.part("pairs", part))
        inputs = self.folder.write_small_part("inputs", part, pa.Table.from_pylist(accounts, schema=INPUTS))
        return accounts, FileList({"pairs": pairs, "inputs": inputs}, states)

    def _inputs_summary(self) -> ExtractSummary:
        inputs = self.folder.read_small("extract", "inputs", ["status", *FUNNEL_COLUMNS])
        states = inputs.column("status").to_pylist()
        sums = {name: pc.sum(inputs.column(name)).as_py() for name in FUNNEL_COLUMNS}
        return ExtractSummary(files=len(states), **{state: states.count(state) for state in INPUT_STATES}, **sums)

    # Matching, in generations: each covers parts of pairs that those before it don't

    def _match_generations(self) -> bool:
        """Matches what isn't; false where a new row would take a known one's place."""
        generations = self.folder.generations()
        covered = {part for generation in generations for part in generation.pairs}
        added = sorted(set(self.folder.parts("extract")) - covered)
        if added or not generations:
            generations = (*generations, Generation(tuple(added), self.options.match.dedup_passes))
            self.folder.record_generations(generations)
        for number, generation in enumerate(generations):
            known = [part for earlier in generations[:number] for part in earlier.pairs]
            if not self._match_generation(number, generation.passes, generation.pairs, known):
                return False
        return True

    def _match_generation(self, number: int, passes: int, new: Sequence[str], known: Sequence[str]) -> bool:
        """Matches parts of pairs, but for uids of known parts; false where a new row would take a known one's place."""
        from metaclip_curate.stages.shared.tables import read_table

        shares = {f"{number:05d}-{dedup_pass:05d}": dedup_pass for dedup_pass in range(passes)}
        missing = sorted(shares.keys() - self.folder.parts("match").keys())
        if not missing:
            return True
        new_files = self.folder.table_files("extract", "pairs", new)
        new_pairs = read_table(self.spark, new_files, PAIRS)
        known_pairs = read_table(self.spark, self.folder.table_files("extract", "pairs", known), PAIRS)
        labels: dict[str, int] = dict(new_pairs.unionAll(known_pairs).groupBy("lang").count().collect())
        for part in missing:
            share = (shares[part], passes)
            if not self._match_pass(part, new_pairs, known_pairs if known else None, share, labels):
                return False
        parts = self.folder.match_parts()
        read = [counts.pairs for part in shares for counts in parts[part].languages.values()]
        written = None if None in read else rows_of(new_files)  # a part of an older run doesn't say what was read
        try:
            self._require_all("match", "pairs", sum(filter(None, read)), written)
        except JobFailedError:
            self.folder.replace_parts("match", shares, {})
            raise
        return True

    def _match_pass(
        self,
        part: str,
        new: DataFrame,
        known: DataFrame | None,
        share: tuple[int, int],
        labels: Mapping[str, int],
    ) -> bool:
        """Matches a share (number, of how many) of the uids; false where a new row would take a known one's place."""
        from pyspark.sql import functions as F

        from metaclip_curate.stages.match import LAYOUT, NO_METADATA, MatchTask, place_by_language, write_matched
        from metaclip_curate.stages.shared.tables import write_table

        number, passes = share
        folder = self.folder.part("matched", part)
        if not labels:
            empty = self.spark.createDataFrame([], ddl(MATCHED))
            files = write_table(empty, LAYOUT, folder, self.options.storage)
            self.folder.commit_part("match", part, MatchPart(languages={}), FileList({"matched": files}))
            return True
        # All uids are of the only pass: nothing needs to be hashed.
        of_pass = F.lit(True) if passes == 1 else F.pmod(F.xxhash64("uid"), F.lit(passes)) == number
        pairs = new.filter(of_pass)
        known_pairs = known.filter(of_pass) if known is not None else None
        digests = self._metadata.digests
        languages = self._metadata_languages(labels, digests, NO_METADATA)
        sizes: dict[str, int] = {}
        for label, size in labels.items():
            sizes[languages[label]] = sizes.get(languages[label], 0) + -(-size // passes)
        options = self.options.match
        task = MatchTask(options.metadata, digests, options.entry_spacing, self.options.storage)
        placed = place_by_language(self.spark, pairs, known_pairs, languages, sizes, options.pairs_per_task)
        account, files = write_matched(placed, self.spark, task, folder)
        if any(sums["superseding"] for sums in account.values()):
            return False
        languages_of_part = {language: MatchCounts(**sums) for language, sums in sorted(account.items())}
        self.folder.commit_part("match", part, MatchPart(languages=languages_of_part), FileList({"matched": files}))
        return True

    def _metadata_languages(
        self, labels: Mapping[str, int], digests: Mapping[str, str], no_metadata: str
    ) -> dict[str, str]:
        """Says for each label whose entries are searched in its texts."""
        languages = {}
        for label in labels:
            language = self._language_table.metadata_language(label, self._metadata.folder.languages)
            languages[label] = language if language in digests else no_metadata
        return languages

    def _match_summary(self, no_metadata: str) -> MatchSummary:
        counts: dict[str, list[MatchCounts]] = {}
        for part in self.folder.match_parts().values():
            for language, of_part in part.languages.items():
                counts.setdefault(language, []).append(of_part)
        rows = {language: _language_matches(language, of_parts) for language, of_parts in sorted(counts.items())}
        left_out = rows.pop(no_metadata).distinct if no_metadata in rows else 0
        return MatchSummary(languages=tuple(rows.values()), no_metadata=left_out, metadata=self.options.match.metadata)

    # Tables

    @contextmanager
    def _working(self, stage: str, options: dict[str, Any], upstream: str, grows: bool = False) -> Iterator[None]:
        """Opens a stage, and tells how far Spark is with it."""
        self.folder.begin(stage, options, upstream, grows)
        with task_progress(self.spark, stage, self._status):
            try:
                yield
            except Exception as error:
                from metaclip_curate.stages.shared.tables import damaged_file

                name = damaged_file(error)
                if not name:
                    raise
                before = STAGES[STAGES.index(stage) - 1]
                raise UserError(f"{name} is damaged: {remedy(before)}") from error

    def _finished(self, stage: str, upstream: str) -> bool:
        finished = self.folder.is_finished(stage, upstream)
        if finished:
            self._tell(f"{stage}: done before")
        else:
            self._tell(f"{stage}: starting")
        return finished

    def _read(self, stage: str, table: str, schema: pa.Schema) -> DataFrame:
        from metaclip_curate.stages.shared.tables import read_table

        return read_table(self.spark, self.folder.table_files(stage, table), schema)

    def _require_all(self, stage: str, table: str, found: int, expected: int | None) -> None:
        """Holds what a stage read of a table to what was written; where rows are missing, nobody would say so else.

        Raises:
            JobFailedError: They differ.
        """
        if expected is not None and found != expected:
            raise JobFailedError(
                f"{stage} read {found:,} of {expected:,} {table} in {self.folder.root}, and kept nothing of them: is "
                "Spark set to leave out damaged or missing files (spark.sql.files.ignoreCorruptFiles, "
                "ignoreMissingFiles)? Unset that and give the same command again"
            )


def _line(account: Mapping[str, Any]) -> str:
    return file_line(**{name: account[name] for name in ("path", "status", "error", "pairs", "seconds")})


def _language_matches(language: str, parts: Sequence[MatchCounts]) -> LanguageMatches:
    known = [counts.occurrences for counts in parts if counts.occurrences is not None]
    return LanguageMatches(
        language,
        sum(counts.distinct for counts in parts),
        sum(counts.matched for counts in parts),
        sum(known) if len(known) == len(parts) else None,
    )


def _extract_part(accounts: Sequence[Mapping[str, Any]]) -> ExtractPart:
    """The record of a part: which files it is from, and how much came of them."""
    read = [[account["path"], account["bytes_read"], account["pairs"]] for account in accounts]
    return ExtractPart(files=len(accounts), digest=hashlib.sha256(json.dumps(sorted(read)).encode()).hexdigest())
