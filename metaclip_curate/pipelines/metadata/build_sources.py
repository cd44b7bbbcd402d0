"""The stages of a build before the merge: one for each kind of source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.metadata.lists.writer import write_table
from metaclip_curate.metadata.sources.editions import Edition
from metaclip_curate.metadata.sources.source_files import SourceFile, SourceFiles, without_copies
from metaclip_curate.metadata.sources.titles import check_stats
from metaclip_curate.metadata.sources.wordnet import wordnet_table
from metaclip_curate.metadata.wikipedia.dump_files import dump_files
from metaclip_curate.metadata.wikipedia.splits import fault_of_end
from metaclip_curate.options.fields import table_options
from metaclip_curate.options.ngrams import NgramOptions
from metaclip_curate.options.page_views import ViewRule
from metaclip_curate.pipelines.metadata.finished_stages import read_ngram_stats
from metaclip_curate.pipelines.metadata.steps import BuildSteps
from metaclip_curate.stages.metadata.ngrams import FETCH_AGAIN, NgramSources, build_ngrams
from metaclip_curate.stages.metadata.titles import build_titles
from metaclip_curate.storage import InputError, StorageOptions

# Among the options of the stage ngrams in the record; the console prints it as the option from which it follows.
LOWEST_PAIR_COUNT = "bigrams_min_count"

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SourceStages:
    """Runs the stages wordnet, ngrams and titles.

    Args:
        sources: The source files.
        steps: The steps of the build.
        spark: Returns the Spark session.
        options: Credentials and limits for reading and writing files.
    """

    def __init__(
        self, sources: SourceFiles, steps: BuildSteps, spark: Callable[[], SparkSession], options: StorageOptions
    ) -> None:
        self._sources = sources
        self._steps = steps
        self._spark = spark
        self._storage = options

    def wordnet(self, language: str, editions: Sequence[Edition]) -> None:
        """Writes the names in the wordnets of a language's editions."""
        codes = [edition.wordnet for edition in editions if edition.wordnet]
        files = {code: self._sources.wordnets(code) for code in codes}
        digests = self._steps.digests_of([file for of_code in files.values() for file in of_code])
        step = f"wordnet/{language}"
        if not self._steps.begin(step, {}, digests):
            return
        contents = {code: [(file.basename, self._read(file)) for file in of_code] for code, of_code in files.items()}
        table, summary = wordnet_table(contents, language)
        self._steps.own()
        write_table(self._steps.path(step) + ".parquet", table, self._storage)
        self._steps.record.finish(step, {}, digests, summary)
        missing = summary.get("missing")
        self._steps.log(f"{step}: no wordnet: {missing}" if missing else f"{step}: {len(table):,} names")
        for warning in summary["warnings"]:
            self._steps.log(f"{step}: {warning}")

    def ngrams(self, language: str, editions: Sequence[Edition], lowest_pair_count: int, options: NgramOptions) -> None:
        """Writes the counts of a language's words and pairs.

        Args:
            language: The language.
            editions: Its editions.
            lowest_pair_count: Lowest count of a pair that a merge may need.
            options: Limits of pages.
        """
        files = self._sources.texts(editions, self._steps.log)
        step, digests = f"ngrams/{language}", self._steps.digests_of(files)
        used, copies = without_copies(files, [digest for _, digest in digests])
        for line in copies:
            self._steps.log(f"{step}: {line}")
        digests = [digest for file, digest in zip(files, digests, strict=True) if file in used]
        files = used
        # Counts that have more pairs than the merge needs aren't made again.
        kept = self._steps.record.options(step).get(LOWEST_PAIR_COUNT, lowest_pair_count)
        lowest_pair_count = min(kept, lowest_pair_count)
        compared = {**table_options(options), LOWEST_PAIR_COUNT: lowest_pair_count}
        if not self._steps.begin(step, compared, digests):
            return
        sources = NgramSources(language, _paths(files), lowest_pair_count)
        folder = self._steps.new_folder(step)
        build_ngrams(self._spark(), sources, folder, options, self._storage)
        stats = read_ngram_stats(folder, self._storage)
        self._steps.finish(step, compared, digests, folder, {})
        self._steps.log(f"{step}: {stats['total']['used']:,} pages, {stats['total']['tokens']:,} tokens")
        for warning in stats["warnings"]:
            self._steps.log(f"{step}: {warning}")

    def titles(self, rules: Mapping[str, ViewRule]) -> None:
        """Writes the titles and views of all Wikipedias.

        Args:
            rules: Which views count, by metadata language or by code of a Wikipedia.
        """
        files, compared = self._sources.page_views(), compared_rules(rules)
        digests = self._steps.digests_of(files)
        if not self._steps.begin("titles", compared, digests):
            return
        folder = self._steps.new_folder("titles")
        stats_of_files = build_titles(self._spark(), _paths(files), folder, rules, self._storage)
        names, used_of = {file.path: file.name for file in files}, Counter[str]()
        for stats in stats_of_files:
            stats["file"] = names[stats["path"]]
            check_stats(stats, self._steps.log)
            del stats["path"]
            used_of.update(stats.pop("used_of"))
        stats_of_files.sort(key=lambda stats: str(stats["file"]))
        summary = {"files": stats_of_files, "used_of": dict(sorted(used_of.items()))}
        self._steps.finish("titles", compared, digests, folder, summary)

    def _read(self, file: SourceFile) -> bytes:
        return storage.read_bytes(file.path, self._storage)


def check_ends(paths: Sequence[str], options: StorageOptions) -> None:
    """Checks that files of Wikipedia text aren't empty and, as far as their last bytes show it, not cut off.

    Args:
        paths: Dumps and indices.
        options: Credentials and limits for reading the files.

    Raises:
        UserError: A file is empty, cut off or can't be read.
    """
    for source in dump_files(paths):
        try:
            fault = fault_of_end(source, options)
        except InputError as error:
            raise UserError(f"{error.path} can't be read ({error.reason}): make it readable or remove it") from error
        if fault:
            raise UserError(f"{source.path} {fault}: {FETCH_AGAIN}")


def _paths(files: Sequence[SourceFile]) -> list[str]:
    return [file.path for file in files]


def compared_rules(rules: Mapping[str, ViewRule]) -> dict[str, Any]:
    """Returns the rules as the options with which the step is compared and recorded: `50 for en, 1 for the others`."""
    return {
        "titles_sites": _by_language({language: rule.sites for language, rule in rules.items()}),
        "titles_min_hourly_views": _by_language({language: rule.hourly_minimum for language, rule in rules.items()}),
    }


def _by_language(values: Mapping[str, Any]) -> str:
    (usual, _), *others = Counter(values.values()).most_common()
    named = [
        f"{value} for {', '.join(language for language in sorted(values) if values[language] == value)}"
        for value, _ in sorted(others)
    ]
    return ", ".join([*named, f"{usual} for the others" if named else f"{usual}"])
