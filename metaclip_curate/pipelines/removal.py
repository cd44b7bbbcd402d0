"""Taking pairs down from a run: out of its manifest at once, and out of every later one.

What is removed is first recorded in the table `removed`, so that the next run screens it. Then only those of the
manifest's files are written again that have a pair of it; the draws of all other pairs stay. A removal that is
interrupted is finished by the next one, or by `metaclip-curate remove --run OUT` alone, and until then the tables that
it rewrites can't be read.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import storage
from metaclip_curate.pipelines.drawn_figures import remove_figures
from metaclip_curate.pipelines.removal_hits import HITS, MANIFEST, RemovalHits, columns_of, manifest_url
from metaclip_curate.pipelines.workspace import Log
from metaclip_curate.publish import datacard_readme
from metaclip_curate.publish.datacard import with_removals
from metaclip_curate.publish.readme_file import unchanged_name, write_readme
from metaclip_curate.run import folder_names, manifest_files
from metaclip_curate.run.file_list import FileList, PartFile
from metaclip_curate.run.finished import finished_stages
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.removed_table import read_removed, removals, write_removed
from metaclip_curate.run.summaries import LanguageTotals, MatchSummary, SampleSummary
from metaclip_curate.run.tables import language_counts
from metaclip_curate.schemas import REMOVED
from metaclip_curate.screens.public_suffixes import are_public_suffixes
from metaclip_curate.screens.removed import Removal, RemovedScreen
from metaclip_curate.stages import dedup_task, extract_task, match
from metaclip_curate.stages.after.downloaded_pairs import SCREENED_IMAGES_LAYOUT
from metaclip_curate.stages.shared.parquet_files import Layout, write_file
from metaclip_curate.stages.shared.parquet_reading import open_table_file

# The tables that --purge rewrites, with their stages and layouts.
_PURGED: Mapping[str, tuple[str, Layout]] = {
    "pairs": ("extract", extract_task.LAYOUT),
    "distinct": ("dedup", dedup_task.LAYOUT),
    "matched": ("match", match.LAYOUT),
    "screened": ("match", SCREENED_IMAGES_LAYOUT),
}


@dataclass(frozen=True)
class RemovalResult:
    """What a removal did.

    Attributes:
        added: Number of uids, URLs, hosts and image ids that weren't removed before.
        pairs: Number of pairs that left the manifest.
        files: Number of the manifest's files that were written again.
        purged: Number of rows that left the tables before the manifest, by table.
    """

    added: int
    pairs: int
    files: int
    purged: Mapping[str, int]


class Remover:
    """Removes pairs from a run.

    Args:
        folder: The run folder.
        log: Receives lines about what is done.
    """

    def __init__(self, folder: RunFolder, log: Log = print) -> None:
        self._folder = folder
        self._log = log
        self._hits = RemovalHits(folder)

    def remove(self, requested: Sequence[Removal], reason: str, purge: bool) -> RemovalResult:
        """Records what is removed, and rewrites tables without it. First finishes a removal that was interrupted.

        Args:
            requested: What is removed.
            reason: Why.
            purge: Whether rows leave the tables before the manifest as well.
        """
        self._warn_of_suffixes([each.value for each in requested if each.kind == "host"])
        with self._folder.owned():
            if self._folder.removing:
                self._log(f"remove: finishing a removal of {self._folder.root} that was interrupted")
                self._rewrite(is_new=True)
            known = set(removals(self._folder))
            new = [removal for removal in requested if removal not in known]
            tables = self._tables(purge)
            screen = RemovedScreen([*known, *new])
            hits = self._hits.find(screen) if MANIFEST in tables else HITS.empty_table()
            files = list(self._folder.removed_files)
            if new:
                files.append(write_removed(self._folder, _removed_rows(new, reason)))
            self._hits.write(hits)
            self._folder.begin_removal(files, tables)
            purged = self._rewrite(is_new=bool(new))
            return RemovalResult(len(new), hits.num_rows, len(pc.unique(hits.column("file"))), purged)

    def _warn_of_suffixes(self, hosts: Sequence[str]) -> None:
        names = pa.array(hosts, pa.string())
        for suffix in names.filter(pa.array(are_public_suffixes(names))).to_pylist():
            self._log(
                f"remove: {suffix} is a public suffix, below which others have their hosts: it alone is removed, and "
                "nothing below it"
            )

    def _tables(self, purge: bool) -> list[str]:
        """Returns the tables to rewrite, after a check that their files are what was written."""
        done = finished_stages(self._folder)
        tables = [MANIFEST] if "sample" in done else []
        if purge:
            tables += [table for table, (stage, _) in _PURGED.items() if self._folder.parts(stage)]
            if "screened" in tables and not self._is_rebalanced():  # it has no more than uids then
                tables.remove("screened")
        for table in tables:
            stage = "sample" if table == MANIFEST else _PURGED[table][0]
            self._folder.table_files(stage, table, sorted(self._folder.parts(stage)) or None)
        return tables

    def _is_rebalanced(self) -> bool:
        return "match" in finished_stages(self._folder) and self._folder.summary(MatchSummary).download is not None

    # Rewriting

    def _rewrite(self, is_new: bool) -> dict[str, int]:
        """Rewrites the tables that run.json names, and records that this has ended.

        Args:
            is_new: Whether something is removed that wasn't before. The report may show it though no table that is
                rewritten has it, such as a pair that wasn't drawn.

        Returns:
            Number of rows that left the tables before the manifest, by table.
        """
        screen = RemovedScreen(removals(self._folder))
        named = unchanged_name(self._folder) if MANIFEST in self._folder.removing else ""
        purged, changed = {}, False
        for table in self._folder.removing:
            if table == MANIFEST:
                changed |= self._rewrite_manifest(screen)
            else:
                purged[table] = self._purge(table, screen)
        if is_new or changed or any(purged.values()):
            self._remove_report()
        self._folder.end_removal()
        self._hits.remove()
        if changed:
            self._renew_readme(named)
        return purged

    def _rewrite_manifest(self, screen: RemovedScreen) -> bool:
        """Writes the files with a hit again; returns whether there are any."""
        hits = self._hits.read()
        listed = self._folder.file_list("sample", verified=False)
        if listed is None or not hits.num_rows:
            return False
        changed = set(hits.column("file").to_pylist())
        files = [
            self._without_removed(file, screen) if file.name in changed else file for file in listed.tables[MANIFEST]
        ]
        before = self._folder.summary(SampleSummary)
        languages = tuple(self._totals(row, hits) for row in before.languages)
        pairs = sum(file.rows for file in files)
        summary = SampleSummary(before.files, pairs, languages, removed=before.removed + before.pairs - pairs)
        url = storage.join(self._folder.root, folder_names.DATACARD)
        if storage.exists(url, self._folder.options):
            values = sum(file.rows for file in self._folder.removed_files)
            card = with_removals(self._folder, languages, values, summary.pairs)
            self._folder.write_small(folder_names.DATACARD, card)
        self._folder.replace_lists("sample", {"": dataclasses.replace(listed, tables={MANIFEST: files})}, summary)
        return True

    def _without_removed(self, file: PartFile, screen: RemovedScreen) -> PartFile:
        """Writes one of the manifest's files again. It may have been before an interruption."""
        with open_table_file(manifest_url(self._folder, file.name), self._folder.options) as parquet:
            rows = parquet.read()
        keep = np.concatenate([np.empty(0, np.bool_), *(~screen.rejects_rows(batch) for batch in rows.to_batches())])
        self._folder.require_owner()
        number = manifest_files.part_number(file.name)
        folder = self._folder.table(MANIFEST)
        return manifest_files.write_part(folder, number, rows.filter(pa.array(keep)), self._folder.options)

    def _totals(self, before: LanguageTotals, hits: pa.Table) -> LanguageTotals:
        """Returns a language's totals without the pairs that were found."""
        rows = hits.filter(pc.equal(hits.column("metadata_lang"), before.metadata_lang))
        if not rows.num_rows:
            return before
        of_language = language_counts(self._folder, before.metadata_lang)
        counts = of_language.counts if of_language else np.empty(0, np.int64)
        entries = Counter(entry for ids in rows.column("entry_ids").to_pylist() for entry in ids)
        head = sum(number for entry, number in entries.items() if counts[entry] >= before.t)
        return dataclasses.replace(
            before,
            pairs_out=before.pairs_out - rows.num_rows,
            images_out=before.images_out - (pc.sum(rows.column("last_of_image").cast(pa.int64())).as_py() or 0),
            head_matches_out=before.head_matches_out - head,
            tail_matches_out=before.tail_matches_out - (entries.total() - head),
        )

    def _purge(self, table: str, screen: RemovedScreen) -> int:
        """Writes the files of a table again that have a row which a screen rejects; returns the number of such rows."""
        stage, layout = _PURGED[table]
        lists, gone = {}, 0
        for part in self._folder.parts(stage):
            listed = self._folder.file_list(stage, part, verified=False)
            if listed is None:
                continue
            files, rows = self._purge_part(self._folder.part(table, part), listed, (table, layout), screen)
            gone += rows
            lists[part] = dataclasses.replace(listed, tables={**listed.tables, table: files})
        self._folder.replace_lists(stage, lists)
        return gone

    def _purge_part(
        self, folder: str, listed: FileList, of: tuple[str, Layout], screen: RemovedScreen
    ) -> tuple[list[PartFile], int]:
        table, layout = of
        layout = layout.keeping(self._folder.kept_columns())
        # Each row group stays one, since those of `distinct` have one language each.
        layout = dataclasses.replace(layout, whole_batches=True)
        files, gone = [], 0
        for file in listed.tables.get(table, ()):
            kept, rejected = [], 0
            with open_table_file(storage.join(folder, file.name), self._folder.options) as parquet:
                for group in range(parquet.num_row_groups):
                    rows = parquet.read_row_group(group).combine_chunks().to_batches()
                    for batch in rows:
                        mask = screen.rejects_rows(batch)
                        rejected += int(mask.sum())
                        kept.append(batch.filter(pa.array(~mask)))
            files.append(self._written(iter(kept), layout, folder, file.name) if rejected else file)
            gone += rejected
        return files, gone

    def _written(self, rows: Iterator[pa.RecordBatch], layout: Layout, folder: str, name: str) -> PartFile:
        self._folder.require_owner()
        return write_file(rows, layout, folder, lambda: name, self._folder.options)

    # Files beside the tables

    def _remove_report(self) -> None:
        """Removes the report and its figures, which may show what was removed, such as a host."""
        remove_figures(self._folder)
        url = storage.join(self._folder.root, folder_names.REPORT)
        if storage.exists(url, self._folder.options):
            storage.delete_file(url, self._folder.options)
            self._log(
                f"remove: {url} could show what was removed and is deleted; `metaclip-curate report --run "
                f"{self._folder.root}` writes it again"
            )

    def _renew_readme(self, name: str) -> None:
        """Writes README.md with the numbers after the removal, unless somebody has edited it.

        Args:
            name: Name of the data set in a README that nobody has edited; empty without one.
        """
        readme = storage.join(self._folder.root, datacard_readme.NAME)
        if name:
            write_readme(self._folder, name)
            self._log(f"remove: {readme} is written again with the numbers after the removal")
        elif storage.exists(readme, self._folder.options):
            self._log(
                f"remove: {readme} has the numbers from before: `metaclip-curate datacard --run {self._folder.root}` "
                "writes it again"
            )


def take_removals(source: RunFolder, folder: RunFolder) -> None:
    """Adds to the table `removed` of a run what was removed from another one, with the reasons and dates.

    Args:
        source: The other run.
        folder: The run, which this process owns or may own.
    """
    known = set(removals(folder))
    rows = read_removed(source)
    pairs = zip(*columns_of(rows, "kind", "value"), strict=True)
    new = [number for number, (kind, value) in enumerate(pairs) if (kind, value) not in known]
    if not new:
        return
    with folder.owned():
        file = write_removed(folder, rows.take(pa.array(new)))
        folder.begin_removal([*folder.removed_files, file], folder.removing)


def _removed_rows(removed: Sequence[Removal], reason: str) -> pa.Table:
    """Returns rows of `schemas.REMOVED` with the present time."""
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = [{"kind": each.kind, "value": each.value, "reason": reason, "date": date} for each in removed]
    return pa.Table.from_pylist(rows, schema=REMOVED)
