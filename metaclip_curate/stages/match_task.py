"""One task of matching, without Spark: it screens the pairs of a file, and finds the entries in the others' texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from metaclip_curate.language import LabelRule
from metaclip_curate.options.match import EntrySpacing, MatchOptions, Normalization
from metaclip_curate.options.screens import ScreenOptions
from metaclip_curate.run.record import MatchCounts
from metaclip_curate.schemas import DISTINCT, MATCHED, SCREENED, Kept, with_kept
from metaclip_curate.screens.pairs import ScreenedPairs
from metaclip_curate.screens.screens import ScreenLists, Screens, Verdicts
from metaclip_curate.stages.list_matcher import ListMatcher
from metaclip_curate.stages.shared.metadata_entries import expected_entries
from metaclip_curate.stages.shared.parquet_reading import open_table_file
from metaclip_curate.storage import StorageOptions

# Stands for the metadata language of texts whose language has none.
NO_METADATA = "-"
_ROWS_PER_BATCH = 1 << 14
# What a pair in a language without metadata is screened by.
_SCREENED_COLUMNS = ("uid", "image_id", "url", "text", "page_url", "license", "lang", "lang_score")


@dataclass(frozen=True)
class ScreenRules:
    """What a worker needs to screen pairs.

    Attributes:
        options: The screens' options.
        lists: What they look up.
        codes: Language of each label, whether or not there is metadata of it.
    """

    options: ScreenOptions = field(default_factory=ScreenOptions)
    lists: ScreenLists = field(default_factory=ScreenLists)
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MatchTask:
    """What a worker needs to match pairs.

    Attributes:
        files: Files of `distinct`, each with at least one row.
        rule: Which label a pair counts as.
        languages: Metadata language, or NO_METADATA, by label.
        metadata: Path or URL of the metadata folder.
        digests: SHA-256 of each language's list.
        entry_spacing: How spaces are put around entries and texts.
        storage: Credentials and limits for the metadata and the run folder.
        normalize: How entries and texts are normalised before they are spaced.
        kept: The kept columns of a pool.
        screens: How pairs are screened.
    """

    files: Sequence[str]
    rule: LabelRule
    languages: Mapping[str, str]
    metadata: str
    digests: Mapping[str, str]
    entry_spacing: EntrySpacing
    storage: StorageOptions
    normalize: Normalization = "nfc"
    kept: Kept = ()
    screens: ScreenRules = field(default_factory=ScreenRules)


class MatchStats:
    """What a task did, complete when all of its pairs were read.

    Attributes:
        rules: Number of pairs that were rejected for their host's policy, by rule.
        screened: Rows of `schemas.SCREENED`.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, Counter[str]] = {}
        self._reasons: dict[str, Counter[str]] = {}
        self.rules: Counter[str] = Counter()
        self.screened: list[pa.RecordBatch] = []

    def add(self, language: str, **numbers: int) -> None:
        """Adds to the numbers of `MatchCounts` of a language, or of NO_METADATA."""
        self._numbers.setdefault(language, Counter()).update(numbers)

    def add_screened(self, language: str, uids: pa.Array, verdicts: Verdicts) -> None:
        """Adds pairs that were rejected.

        Args:
            language: Metadata language of the pairs, or NO_METADATA.
            uids: Their uids.
            verdicts: What the screens said of these and of other pairs.
        """
        self._reasons.setdefault(language, Counter()).update(verdicts.counts())
        self.rules.update(verdicts.rules)
        name = "" if language == NO_METADATA else language
        columns = [uids, pa.repeat(name, len(uids)), verdicts.reasons()]
        self.screened.append(pa.RecordBatch.from_arrays(columns, schema=SCREENED))

    def counts(self) -> dict[str, MatchCounts]:
        """Returns the counts by language."""
        return {
            language: MatchCounts(
                distinct=numbers["distinct"],
                matched=numbers["matched"],
                occurrences=numbers["occurrences"],
                screened=dict(sorted(self._reasons.get(language, Counter()).items())),
            )
            for language, numbers in sorted(self._numbers.items())
        }


def match_file(task: MatchTask, number: int, stats: MatchStats) -> Iterator[pa.RecordBatch]:
    """Screens and matches the pairs of a file, one language after another.

    Args:
        task: The files, how they are screened, and the metadata to match with.
        number: Index of the file.
        stats: What was done, complete when the iterator ends.

    Yields:
        Rows of `schemas.MATCHED`, with the kept columns.
    """
    names = with_kept(DISTINCT, task.kept).names
    names_to_screen = [*_SCREENED_COLUMNS, *(column.name for column in task.kept)]
    with open_table_file(task.files[number], task.storage) as file:
        groups: dict[tuple[str, str], list[int]] = {}
        for group in range(file.num_row_groups):
            # All rows of a group count as one label.
            label = _label(file, group, task.rule)
            languages = task.languages[label], task.screens.codes.get(label, "")
            groups.setdefault(languages, []).append(group)
        for languages, of_languages in sorted(groups.items()):
            columns = names_to_screen if languages[0] == NO_METADATA else names
            for batch in file.iter_batches(_ROWS_PER_BATCH, of_languages, columns):
                yield from match_batch(batch, languages, task, stats)


def match_batch(
    batch: pa.RecordBatch, languages: tuple[str, str], task: MatchTask, stats: MatchStats
) -> Iterator[pa.RecordBatch]:
    """Screens and matches pairs of one label.

    Args:
        batch: Rows of `schemas.DISTINCT` with the kept columns.
        languages: Metadata language of the label or NO_METADATA, and its language whether or not there is metadata.
        task: How pairs are screened, and the metadata to match with.
        stats: The pairs are counted here.

    Yields:
        Rows of `schemas.MATCHED` with the kept columns; nothing without metadata.
    """
    screens = _screens(task.screens.options, _match_options(task), task.screens.lists, task.storage)
    passed = _screened(batch, languages, screens, stats)
    if languages[0] != NO_METADATA:
        yield _matched(passed, languages[0], task, stats)


def _label(file: pq.ParquetFile, group: int, rule: LabelRule) -> str:
    columns = ("lang", "lang_score", "page_lang")
    first = next(file.iter_batches(1, [group], list(columns)))
    label: str = rule.labels(*(first.column(name) for name in columns))[0].as_py()
    return label


def _screened(batch: pa.RecordBatch, languages: tuple[str, str], screens: Screens, stats: MatchStats) -> pa.RecordBatch:
    """Returns the pairs that no screen rejects, and counts all."""
    language, code = languages
    stats.add(language, distinct=batch.num_rows)
    verdicts = screens.judge(ScreenedPairs(batch, code))
    passed = verdicts.passed
    if passed.all():
        return batch
    stats.add_screened(language, batch.column("uid").filter(pa.array(~passed)), verdicts)
    return batch.filter(pa.array(passed))


def _matched(batch: pa.RecordBatch, language: str, task: MatchTask, stats: MatchStats) -> pa.RecordBatch:
    rules = (task.entry_spacing, task.normalize)
    matcher = _language_matcher(task.metadata, language, task.digests[language], rules, task.storage)
    entry_ids = matcher.match(batch.column("text"))
    schema = with_kept(MATCHED, task.kept)
    columns = [
        *batch.select(with_kept(DISTINCT, task.kept).names).columns,
        pa.repeat(language, batch.num_rows),
        entry_ids,
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=schema)
    rows = rows.filter(pc.greater(pc.list_value_length(entry_ids), 0))
    stats.add(language, matched=rows.num_rows, occurrences=len(entry_ids.flatten()))
    return rows


def _match_options(task: MatchTask) -> MatchOptions:
    return MatchOptions(entry_spacing=task.entry_spacing, normalize=task.normalize)


@lru_cache(maxsize=1)
def _screens(options: ScreenOptions, match: MatchOptions, lists: ScreenLists, storage: StorageOptions) -> Screens:
    """Returns the screens that a worker holds for the next task."""
    return Screens.of(options, match, lists, storage)


@lru_cache(maxsize=1)
def _language_matcher(
    metadata: str, language: str, digest: str, rules: tuple[EntrySpacing, Normalization], options: StorageOptions
) -> ListMatcher:
    """Returns the one automaton that a worker holds, kept for the next task if that is of the same language."""
    _language_matcher.cache_clear()  # frees the last language's before this one's is built
    return ListMatcher(expected_entries(metadata, language, digest, options), *rules)
