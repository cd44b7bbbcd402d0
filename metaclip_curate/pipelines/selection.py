"""The pages of inputs `cc-index:`, which are chosen once and then belong to the run folder."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.console.wording import counted
from metaclip_curate.errors import UserError
from metaclip_curate.extract.crawl_index import IndexQuery, index_files
from metaclip_curate.options.extract import ExtractOptions
from metaclip_curate.pipelines.workspace import Workspace
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.selections import Selections, selection_folder, write_warcs
from metaclip_curate.spark.progress import task_progress
from metaclip_curate.stages.select_pages import SelectedPages, SelectTask, select_pages


class PageSelector:
    """The inputs `cc-index:` of a command.

    Args:
        specs: The inputs.
        options: The options that choose pages.
        seed: Seed of the choice by hash.
        folder: The run folder.
    """

    def __init__(self, specs: Sequence[str], options: ExtractOptions, seed: int, folder: RunFolder) -> None:
        self._specs = specs
        self._options = options
        self._seed = seed
        self._folder = folder
        self._files: dict[IndexQuery, list[str]] = {}  # of queries whose pages aren't chosen yet

    def check(self) -> None:
        """Checks the queries, and that there is an index for those whose pages aren't chosen yet.

        Raises:
            UserError: An option is malformed, or a crawl has no index.
        """
        for query in self._queries():
            if query not in self._files and Selections(self._folder).warcs(query.name) is None:
                self._files[query] = index_files(query.crawl, self._folder.options)

    @property
    def is_incomplete(self) -> bool:
        """Whether pages have to be chosen, once `check` was called."""
        return bool(self._files)

    def names(self) -> list[str]:
        """Returns the names of the inputs, each a WARC with the chosen records, once `select` was called."""
        selections = Selections(self._folder)
        tables = [selections.warcs(query.name) for query in self._queries()]
        return list(dict.fromkeys(name for table in tables if table for name in table.column("path").to_pylist()))

    def select(self, work: Workspace) -> None:
        """Chooses the pages that aren't chosen yet.

        Args:
            work: The run folder, with the stage extract begun.

        Raises:
            UserError: A query chooses no page.
            JobFailedError: The index can't be read.
        """
        for query, files in list(self._files.items()):
            work.console.log(
                f"extract: cc-index:{query.crawl}: reading {counted(len(files), 'file')} of the columnar index"
            )
            task = SelectTask(
                query,
                files,
                self._folder.options,
                self._folder.work(f"selection-{query.name}"),
                selection_folder(self._folder, query.name),
            )
            with task_progress(work.spark, "extract", work.console.status):
                found = select_pages(work.spark, task)
            if not found.warcs:
                raise UserError(f"{self._named(query)} chooses no page of {query.crawl}: give others")
            warcs = write_warcs(self._folder, query, found.warcs)
            work.console.log(f"extract: cc-index:{query.crawl}: {_about(found, warcs)}")
            del self._files[query]

    def _queries(self) -> list[IndexQuery]:
        options = self._options
        queries = [
            IndexQuery.parse(
                spec,
                options.index_languages,
                options.index_hosts,
                options.index_limit,
                options.index_sample,
                self._seed,
            )
            for spec in self._specs
        ]
        return list(dict.fromkeys(queries))

    def _named(self, query: IndexQuery) -> str:
        """Returns a query's options as they are written on a command line."""
        options = [("languages", ",".join(query.languages)), ("hosts", ",".join(query.hosts))]
        numbers = [("sample", f"{query.sample:g}" if query.sample < 1 else "")]
        return " with ".join(f"--index-{name} {value}" for name, value in [*options, *numbers] if value) or "the index"


def _about(found: SelectedPages, warcs: pa.Table) -> str:
    """Returns what was chosen and what reading it takes, in words."""
    records, size, requests = (pc.sum(warcs.column(name)).as_py() for name in ("records", "bytes", "requests"))
    of = f" of {found.matching:,} that match" if found.matching > records else ""
    return (
        f"{counted(records, 'page')}{of}, in {counted(warcs.num_rows, 'WARC file')}, {size / 1e6:,.1f} MB in "
        f"{counted(requests, 'request')} "
        f"({found.groups_read:,} of {found.groups:,} row groups of the index were read)"
    )
