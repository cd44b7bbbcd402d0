"""Builds metadata: every source a stage of its own, then the lists (spec section 3, docs/metadata.md).

In the metadata folder: `stages/build.json` says what is finished, with which options and from what; `stages/` has what
each source came to, `wordnet/de.parquet`, `ngrams/de/` and, for all languages from one pass, `titles/language=de/`. Of
these come `de.txt.zst` or `de.json`, `entries/de.parquet` and `sources.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.building.record import BuildRecord
from metaclip_curate.metadata.lists.writer import check_free, entries_file, note_sources, read_sources, write_table
from metaclip_curate.metadata.sources.editions import check_languages, editions_of
from metaclip_curate.metadata.sources.source_files import SourceFile, SourceFiles
from metaclip_curate.metadata.sources.titles import check_account
from metaclip_curate.metadata.sources.wordnet import wordnet_table
from metaclip_curate.options.build_metadata import BUILD_STAGES, BuildStage
from metaclip_curate.options.fields import table_options
from metaclip_curate.pipelines.metadata.build_list import MADE_BY, BuildSettings, page_views_of, write_list_of
from metaclip_curate.pipelines.metadata.build_merge import FinishedStages, read_ngram_account

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Tell = Callable[[str], None]
STAGES_FOLDER = "stages"
EVERY_LANGUAGE = "all"


class MetadataBuild:
    """A build of some languages.

    Args:
        settings: What to build.
        session: Makes the Spark session when one is needed.
        tell: Takes lines about what goes on.

    Raises:
        UserError: A language is unknown, or the folder has other lists of these languages.
    """

    def __init__(self, settings: BuildSettings, session: Callable[[], SparkSession], tell: Tell = print) -> None:
        self.settings = settings
        self.output = settings.build.output.rstrip("/")
        self._session = session
        self._tell = tell
        self._storage = settings.storage
        asked = settings.build.languages
        self.languages = self._sources.languages() if asked == (EVERY_LANGUAGE,) else check_languages(asked)
        self.stages_folder = storage.join(self.output, STAGES_FOLDER)
        self.record = BuildRecord(self.stages_folder, settings.storage)
        built = read_sources(self.output, settings.storage)
        for language in self.languages:
            # The table of entries is written before the list: with it, a list without account is of a build that died.
            begun = storage.exists(entries_file(self.output, language), settings.storage)
            ours = begun or built.get(language, {}).get("made_by") == MADE_BY
            check_free(self.output, language, settings.build.format, ours, settings.storage)

    @cached_property
    def spark(self) -> SparkSession:
        """The session, made when first needed."""
        return self._session()

    @cached_property
    def _sources(self) -> SourceFiles:
        return SourceFiles(self.settings.build.sources, self._storage)

    def run(self) -> dict[str, dict[str, Any]]:
        """Does the stages that are asked for and not finished.

        Returns:
            By language what sources.json says of its list; empty when merge wasn't asked for.

        Raises:
            UserError: A source is missing or damaged.
        """
        self._check_sources()
        for language in self.languages:
            if self._wants("wordnet"):
                self._wordnet(language)
            if self._wants("ngrams"):
                self._ngrams(language)
        if self._wants("titles"):
            self._titles()
        if not self._wants("merge"):
            return {}
        return {language: self._merge(language) for language in self.languages}

    def stage_path(self, step: str) -> str:
        """Where a step's data is: titles, or wordnet/de."""
        return storage.join(self.stages_folder, step)

    def _wants(self, stage: BuildStage) -> bool:
        asked = self.settings.build.stage
        return asked == stage or (asked is None and stage not in self.settings.build.without)

    def _check_sources(self) -> None:
        """Finds what is missing before anything is done."""
        if self._wants("titles") and not self._sources.page_views():
            raise UserError(
                f"no pageviews-*.gz in {self._sources}: `metaclip-curate metadata fetch` downloads them, "
                "and --without titles builds lists without titles"
            )
        for language in self.languages if self._wants("ngrams") else []:
            if not self._texts(language, lambda line: None):
                wikis = " or ".join(f"{edition.wiki}-*" for edition in editions_of(language)[:3])
                raise UserError(
                    f"no Wikipedia text of {language} ({wikis}) in {self._sources}: `metaclip-curate metadata fetch "
                    f"--languages {language}` downloads it, and --without ngrams builds a list without"
                )

    def _texts(self, language: str, tell: Tell) -> list[SourceFile]:
        return self._sources.texts(editions_of(language), tell)

    def _begin(self, step: str, options: dict[str, Any], sources: list[list[str]]) -> bool:
        """Tells what will be done; False when the step is finished."""
        why = self.record.why_again(step, options, sources)
        if why is None:
            self._tell(f"{step}: finished before")
            return False
        self._tell(f"{step}: {why}, done again" if why else f"{step}: begins")
        self.record.forget(step)
        return True

    def _digested(self, files: list[SourceFile]) -> list[list[str]]:
        digests = self.record.digests.of([file.path for file in files])
        return [[file.name, digest] for file, digest in zip(files, digests, strict=True)]

    def _wordnet(self, language: str) -> None:
        codes = [edition.wordnet for edition in editions_of(language) if edition.wordnet]
        files = {code: self._sources.wordnets(code) for code in codes}
        sources = self._digested([file for of_code in files.values() for file in of_code])
        step = f"wordnet/{language}"
        if not self._begin(step, {}, sources):
            return
        read = {
            code: [(file.basename, storage.read_bytes(file.path, self._storage)) for file in of_code]
            for code, of_code in files.items()
        }
        table, summary = wordnet_table(read, language)
        write_table(self.stage_path(step) + ".parquet", table, self._storage)
        self.record.finish(step, {}, sources, summary)
        self._tell(
            f"{step}: no wordnet: {summary['missing']}" if "missing" in summary else f"{step}: {len(table):,} names"
        )

    def _ngrams(self, language: str) -> None:
        from metaclip_curate.stages.metadata.ngrams import build_ngrams

        files = self._texts(language, self._tell)
        step, options, sources = f"ngrams/{language}", table_options(self.settings.ngrams), self._digested(files)
        if not self._begin(step, options, sources):
            return
        folder = self.stage_path(step)
        storage.delete_folder(folder, self._storage)
        paths = [file.path for file in files]
        build_ngrams(self.spark, language, paths, folder, self.settings.ngrams, self._storage)
        account = read_ngram_account(self.stages_folder, language, self._storage)
        self.record.finish(step, options, sources, {})
        self._tell(f"{step}: {account['total']['used']:,} pages, {account['total']['tokens']:,} tokens")
        for warning in account["warnings"]:
            self._tell(f"{step}: {warning}")

    def _titles(self) -> None:
        from metaclip_curate.stages.metadata.titles import build_titles

        files = self._sources.page_views()
        sources = self._digested(files)
        if not self._begin("titles", {}, sources):
            return
        folder = self.stage_path("titles")
        storage.delete_folder(folder, self._storage)
        accounts = build_titles(self.spark, [file.path for file in files], folder, self._storage)
        names = {file.path: file.name for file in files}
        for account in accounts:
            account["file"] = names[account["path"]]
            check_account(account, self._tell)
            del account["path"]
        accounts.sort(key=lambda account: str(account["file"]))
        self.record.finish("titles", {}, sources, {"files": accounts})

    def _merge(self, language: str) -> dict[str, Any]:
        used = tuple(stage for stage in BUILD_STAGES[:-1] if stage not in self.settings.build.without)
        upstream = self._finished(used, language)
        options = table_options(self.settings.build) | table_options(self.settings.merge)
        step, list_format = f"merge/{language}", self.settings.build.format
        files = [storage.join(self.output, f"{language}.{list_format}"), entries_file(self.output, language)]
        if not all(storage.exists(file, self._storage) for file in files):
            self.record.forget(step)
        if self._begin(step, options, upstream):
            stages = FinishedStages(
                self.stages_folder, self.record, used, lambda: self.spark, self._storage, self._tell
            )
            section = write_list_of(language, self.settings, stages)
            self.record.finish(step, options, upstream, section)
        section = self.record.summary(step)
        note_sources(
            self.output, language, section, page_views_of(self.record) if "titles" in used else {}, self._storage
        )
        return section

    def _finished(self, used: tuple[BuildStage, ...], language: str) -> list[list[str]]:
        """Step and fingerprint of each stage that a merge reads."""
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
