"""What a run's tables don't hold about a pair that didn't match: its language, and whether it was taken down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from metaclip_curate.inspect.run_languages import run_language_table
from metaclip_curate.language import LabelRule, LanguageTable
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.removed_table import removals
from metaclip_curate.schemas import DISTINCT, MATCHED, SCREENED_IMAGES
from metaclip_curate.screens.removed import Removal, RemovedScreen

# What `complete` reads, and what it appends.
RULE_COLUMNS = ("uid", "image_id", "url", "page_url", "page_lang", "lang", "lang_score")
ADDED = (pa.field("label", pa.string()), pa.field("metadata_lang", pa.string()), pa.field("removed", pa.bool_()))
# A stage, its table and the table's schema.
Table = tuple[str, str, pa.Schema]
# A rebalanced run begins with the pairs whose image was downloaded: those that go on, and those whose image a screen
# rejected.
DOWNLOADED: tuple[Table, ...] = (("match", "matched", MATCHED), ("match", "screened", SCREENED_IMAGES))


@dataclass(frozen=True)
class PairRules:
    """Rules of a run that apply to any pair. Tasks carry them to workers.

    Attributes:
        labels: Which label a pair counts as.
        languages: Metadata language of each label.
        listed: Languages with a list of entries.
        removals: What was taken down.
    """

    labels: LabelRule
    languages: LanguageTable
    listed: frozenset[str]
    removals: tuple[Removal, ...]

    @classmethod
    def of(cls, folder: RunFolder, language_table: str = "") -> PairRules:
        """Reads the rules of a run.

        Args:
            folder: A run folder with the stage match finished.
            language_table: CSV that the run used; empty for the one in the package.

        Raises:
            UserError: The run used another language table.
        """
        dedup = folder.options_of("dedup")
        return cls(
            LabelRule.of(dedup["lid_fallback"], dedup["min_lid_score"]),
            run_language_table(folder, language_table),
            frozenset(folder.options_of("match")["metadata_digests"]),
            removals(folder),
        )

    def complete(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Appends what the rules say about pairs.

        Args:
            batches: Rows with the columns RULE_COLUMNS and any others but those of ADDED.

        Yields:
            The rows with the columns of ADDED: the label that a pair counts as, the language whose entries are searched
            for (empty without one), and whether the pair was taken down.
        """
        screen = RemovedScreen(self.removals)
        for batch in batches:
            columns = (batch.column(name) for name in ("lang", "lang_score", "page_lang"))
            labels = self.labels.labels(*columns)
            removed = screen.rejects_rows(batch) if self.removals else np.zeros(batch.num_rows, np.bool_)
            added = [labels, self._metadata_languages(labels), pa.array(removed)]
            yield pa.RecordBatch.from_arrays([*batch.columns, *added], schema=pa.schema([*batch.schema, *ADDED]))

    def _metadata_languages(self, labels: pa.Array) -> pa.Array:
        """Returns the language whose entries texts of each label are searched for; empty without one."""
        different = labels.dictionary_encode()
        found = [self.languages.metadata_language(label, self.listed) for label in different.dictionary.to_pylist()]
        return pa.array([name if name in self.listed else "" for name in found], pa.string()).take(different.indices)


def tables_of_pairs(folder: RunFolder) -> tuple[Table, ...]:
    """Returns the tables that together have each pair of a run once. A rebalanced run has no table `distinct`."""
    return (("dedup", "distinct", DISTINCT),) if folder.table_files("dedup", "distinct") else DOWNLOADED
