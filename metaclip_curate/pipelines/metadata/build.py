"""Building metadata: a stage for each kind of source, then the lists (spec section 3, docs/metadata.md).

In the metadata folder, `stages/build.json` records the finished steps with their options and sources, and `stages/` has
their data: `wordnet/de.parquet` and, each in a folder that only one build writes, `ngrams/de/` and the titles of all
languages from one pass, `titles/`. From them come `de.txt.zst` or `de.json`, `entries/de.parquet` and `sources.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.console.interrupts import cancel_jobs
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.writer import BUILD, check_no_other_list, entries_file, read_sources, record_sources
from metaclip_curate.metadata.sources.editions import ENGLISH, SIMPLE, all_editions, check_languages, editions_of
from metaclip_curate.metadata.sources.source_files import SourceFiles
from metaclip_curate.options.build_metadata import BUILD_STAGES, BuildStage
from metaclip_curate.options.fields import flag, table_options
from metaclip_curate.options.page_views import ViewRule
from metaclip_curate.pipelines.metadata.build_list import BuildSettings, page_views_of, write_list_of
from metaclip_curate.pipelines.metadata.build_sources import (
    LOWEST_PAIR_COUNT,
    SourceStages,
    check_ends,
    compared_rules,
)
from metaclip_curate.pipelines.metadata.finished_stages import FinishedStages
from metaclip_curate.pipelines.metadata.steps import BuildSteps, Log
from metaclip_curate.run.folder_names import require_no_run, require_writable_folder
from metaclip_curate.run.owner import Listener, RunOwner

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVERY_LANGUAGE = "all"


class MetadataBuild:
    """A build of some languages.

    Args:
        settings: All options of the build.
        session: Makes the Spark session, when it is needed first.
        log: Function that prints a line.
        command: The command line, which other builds name that find the folder in use.

    Raises:
        UserError: A language is unknown, or the folder has other lists of these languages.
    """

    def __init__(
        self, settings: BuildSettings, session: Callable[[], SparkSession], log: Log = print, command: str = ""
    ) -> None:
        self.settings = settings
        self.output = settings.build.output.rstrip("/")
        require_writable_folder(self.output)
        require_no_run(self.output, settings.storage)
        self._session = session
        self._storage = settings.storage
        requested = settings.build.languages
        self._with_simple = settings.build.with_simple
        every = requested == (EVERY_LANGUAGE,)
        self.languages = self._sources.languages(self._with_simple) if every else check_languages(requested)
        listener = Listener(lambda line: log(line.replace("run folder", "metadata folder", 1)), cancel_jobs)
        self._owner = RunOwner(self.output, settings.storage, command, listener)
        self._steps = BuildSteps(self.output, settings.storage, log, self._owner.require)
        self.record = self._steps.record
        self._check_lists()

    @cached_property
    def spark(self) -> SparkSession:
        """The session, made when it is needed first."""
        return self._session()

    @cached_property
    def _sources(self) -> SourceFiles:
        return SourceFiles(self.settings.build.sources, self._storage)

    def run(self) -> dict[str, dict[str, Any]]:
        """Runs the requested stages that aren't finished.

        Returns:
            The section of each language in sources.json; empty if merge wasn't requested.

        Raises:
            UserError: A source is missing or damaged, or another build is writing the folder.
            JobFailedError: Another build has taken the folder over.
        """
        self._check_sources()
        with self._owner.working():
            self._owner.require()
            # What a build did that ended in the meantime stays.
            self.record.reload()
            self._check_lists()
            return self._run_stages()

    def _run_stages(self) -> dict[str, dict[str, Any]]:
        if any(self._is_requested(stage) for stage in BUILD_STAGES[:-1]):
            self._run_source_stages()
        if not self._is_requested("merge"):
            return {}
        return {language: self._merge(language) for language in self.languages}

    def _run_source_stages(self) -> None:
        stages = SourceStages(self._sources, self._steps, lambda: self.spark, self._storage)
        for language in self.languages:
            editions = editions_of(language, self._with_simple)
            if self._is_requested("wordnet"):
                stages.wordnet(language, editions)
            if self._is_requested("ngrams"):
                limits = self.settings.merge.limits(language)
                stages.ngrams(language, editions, limits.lowest_pair_count, self.settings.ngrams)
        if self._is_requested("titles"):
            stages.titles(self._view_rules())

    def _view_rules(self) -> dict[str, ViewRule]:
        """Returns which page views count, for all languages: one pass over the files serves them all."""
        merge, page_views = self.settings.merge, self.settings.page_views
        languages = {edition.language: edition.language for edition in all_editions()}
        languages |= {SIMPLE: ENGLISH} if self._with_simple else {}
        return {code: page_views.rule(merge.preset_of(language)) for code, language in sorted(languages.items())}

    def _is_requested(self, stage: BuildStage) -> bool:
        requested = self.settings.build.stage
        return requested == stage or (requested is None and stage not in self.settings.build.without)

    def _check_lists(self) -> None:
        built = read_sources(self.output, self._storage)
        for language in self.languages:
            # The table of entries is written before the list. A list with a table but no section in sources.json is
            # from a build that died.
            begun = storage.exists(entries_file(self.output, language), self._storage)
            ours = begun or built.get(language, {}).get("made_by") == BUILD
            check_no_other_list(self.output, language, self.settings.build.format, ours, self._storage)

    def _check_sources(self) -> None:
        """Finds missing sources, and dumps that are cut off, before any stage runs."""
        if self._is_requested("titles") and not self._sources.page_views():
            raise UserError(
                f"no pageviews-*.gz in {self._sources}: `metaclip-curate metadata fetch` downloads them, "
                "and --without titles builds lists without titles"
            )
        for language in self.languages if self._is_requested("ngrams") else []:
            editions = editions_of(language, self._with_simple)
            texts = self._sources.texts(editions, lambda line: None)
            if not texts:
                wikis = " or ".join(f"{edition.wiki}-*" for edition in editions[:3])
                raise UserError(
                    f"no Wikipedia text of {language} ({wikis}) in {self._sources}: `metaclip-curate metadata fetch "
                    f"--languages {language}` downloads it, and --without ngrams builds a list without"
                )
            if not self.settings.ngrams.allow_damaged_dumps:
                check_ends([text.path for text in texts], self._storage)

    def _merge(self, language: str) -> dict[str, Any]:
        used = tuple(stage for stage in BUILD_STAGES[:-1] if stage not in self.settings.build.without)
        upstream = self._finished(used, language)
        if "ngrams" in used:
            self._check_pair_counts(language)
        if "titles" in used:
            self._check_view_rules()
        options = table_options(self.settings.build) | table_options(self.settings.merge)
        step, list_format = f"merge/{language}", self.settings.build.format
        files = [storage.join(self.output, f"{language}.{list_format}"), entries_file(self.output, language)]
        if not all(storage.exists(file, self._storage) for file in files):
            self.record.forget(step)
        if self._steps.begin(step, options, upstream):
            stages = FinishedStages(self._steps, used, lambda: self.spark, self._storage)
            self.record.finish(step, options, upstream, write_list_of(language, self.settings, stages))
        section = self.record.summary(step)
        page_views = page_views_of(self.record) if "titles" in used else {}
        self._owner.require()
        record_sources(self.output, language, section, page_views, self._storage)
        return section

    def _finished(self, used: tuple[BuildStage, ...], language: str) -> list[list[str]]:
        """Returns step and fingerprint of each stage that a merge reads."""
        upstream = []
        for stage in used:
            step = stage if stage == "titles" else f"{stage}/{language}"
            fingerprint = self.record.fingerprint(step)
            if fingerprint is None:
                raise UserError(
                    f"{self.output} has no finished stage {stage} of {language}: run `metaclip-curate metadata build "
                    f"--stage {stage}` first, or give --without {stage}"
                )
            upstream.append([step, fingerprint])
        return upstream

    def _check_view_rules(self) -> None:
        """Checks that the stage titles counted the views that these options count."""
        counted, needed = self.record.options("titles"), compared_rules(self._view_rules())
        for name, value in needed.items():
            if counted.get(name) != value:
                raise UserError(
                    f"{self.output} has titles that were counted with {flag(name)} {counted.get(name)}, and these "
                    f"options count with {value}: run `metaclip-curate metadata build --stage titles` with these "
                    "options first"
                )

    def _check_pair_counts(self, language: str) -> None:
        """Checks that the stage ngrams kept the word pairs that the merge needs."""
        kept = self.record.options(f"ngrams/{language}").get(LOWEST_PAIR_COUNT, 1)
        needed = self.settings.merge.limits(language).lowest_pair_count
        if needed < kept:
            raise UserError(
                f"{self.output} has only the word pairs of {language} that occur {kept:,} times or more, and bigrams "
                f"may need those of {needed:,}: run `metaclip-curate metadata build --stage ngrams` with these options "
                "first"
            )
