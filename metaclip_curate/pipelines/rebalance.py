"""Balancing again after the download: a new run folder from the pairs of a manifest whose images were downloaded.

MetaCLIP balances last. A run that balances before the download therefore uses a larger t, and the pairs of its manifest
that were downloaded are counted and drawn again with the final t. The new run folder takes over the stages extract,
dedup and match from the old one; its counts are of the downloaded pairs, with the entries of the old counts; balance
and sample are those of every run.

The second draw has a seed of its own. The downloaded pairs are those whose first draw was low. Compared with the same
numbers again, all of a thinned entry's texts would stay.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.image_screens import ImageScreenOptions
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.pipelines.curation import Pipeline
from metaclip_curate.pipelines.downloaded_pairs import PART, Download, WrittenPairs, write_downloaded_pairs
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.pipelines.image_screening import ImageScreening
from metaclip_curate.pipelines.options import Options
from metaclip_curate.pipelines.removal import Remover, take_removals
from metaclip_curate.pipelines.workspace import Log
from metaclip_curate.run.file_list import FileList
from metaclip_curate.run.finished import finished_stages
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.option_changes import LIST_DIGESTS
from metaclip_curate.run.owner import owning
from metaclip_curate.run.record import MatchPart
from metaclip_curate.run.summaries import (
    CountSummary,
    DedupSummary,
    DownloadLosses,
    ExtractSummary,
    LanguageMatches,
    MatchSummary,
)
from metaclip_curate.schemas import MATCHED
from metaclip_curate.stages.count import CountedEntries, CountTask, write_counts
from metaclip_curate.stages.shared.tables import read_run_table
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.urls import location

# Options of extract, dedup and match that no other command gives, so that none does these stages again.
_SOURCE = "rebalanced from"
_SEEDS = "seeds before"


class Rebalancing:
    """A new run folder that is made from a run and its download. It goes on where it stopped.

    Args:
        source: The run, finished up to sample.
        options: The download, and how its pairs are drawn.
        new: Options of the new run: its folder, thresholds and manifest. Those of the draw come from `options`.
        command: The command line, for the data card.
        log: Receives lines about what is done.
        images: Screens of the downloaded images. Default: none.

    Attributes:
        folder: The new run folder.
        draw_options: Options of the second draw.

    Raises:
        UserError: The folders, the download's files or the seed can't be used.
    """

    def __init__(
        self,
        source: FinishedRun,
        options: RebalanceOptions,
        new: Options,
        command: str = "",
        log: Log = print,
        images: ImageScreenOptions | None = None,
    ) -> None:
        self._source = source
        self._options = options
        self._log = log
        output = new.run.output
        if not output:
            raise UserError("--output is missing: name the new run folder")
        if location(output) == location(source.folder.root):
            raise UserError(f"--output {output} is the run itself, which stays as it is: name a new folder")
        self._files = _parquet_files(options.downloaded, source.folder.options)
        self._screening = ImageScreening(images or ImageScreenOptions(), options.downloaded, source.folder.options, log)
        self._seeds_before = [*source.folder.options_of("match").get(_SEEDS, []), _draw_of(source.folder)["seed"]]
        self.draw_options = self._draw()
        new = dataclasses.replace(new, storage=source.folder.options, draw=self.draw_options)
        self._pipeline = Pipeline(new, command, log)
        self.folder: RunFolder = self._pipeline.folder
        if self.folder.options_of("extract") and _SOURCE not in self.folder.options_of("extract"):
            raise UserError(f"{output} is another run: give another --output")
        self._screened_options = self._screening.recorded | {LIST_DIGESTS: self._screening.digests}
        # Also after an interruption, so that the warnings are among those at the end.
        if "match" not in finished_stages(self.folder):
            self._screening.check()

    def _draw(self) -> DrawOptions:
        seed, texts = self._options.seed, self._options.texts_per_image
        if seed is None:
            seed = self._seeds_before[-1]
            while seed in self._seeds_before:
                seed = (seed + 1) % 2**64
        if seed in self._seeds_before:
            raise UserError(
                f"--seed {seed} has drawn these pairs before, and the same numbers can't thin them again: give another"
            )
        return DrawOptions(seed, texts or _draw_of(self._source.folder)["texts_per_image"])

    def owned(self) -> AbstractContextManager[None]:
        """Returns a block at whose end the new run folder is released."""
        return self.folder.owned()

    @property
    def warnings(self) -> Sequence[str]:
        """Warnings about lists and images that the screens can't do much with, which the command repeats at its end."""
        return self._screening.warnings

    @owning
    def count(self) -> DownloadLosses:
        """Finds the downloaded pairs and counts their entries.

        Raises:
            UserError: No image was downloaded, or the files aren't those of this manifest's download.
        """
        self._take_over("extract", ExtractSummary, self._source.folder.fingerprint("sample"))
        take_removals(self._source.folder, self.folder)
        self._take_over("dedup", DedupSummary, self.folder.fingerprint("extract"))
        losses = self._match()
        self._count()
        return losses

    @owning
    def draw(self) -> None:
        """Balances and samples the downloaded pairs, as every run does."""
        self._pipeline.balance()
        self._pipeline.sample()
        if self.folder.removed_files:
            Remover(self.folder, self._log).remove([], "", purge=False)

    def report(self) -> None:
        """Writes the new run's report. Raises an interruption only."""
        self._pipeline.report()

    @cached_property
    def _source_name(self) -> str:
        """The name of the old run folder as the new one records it: the one of its first command."""
        name = location(self._source.folder.root)
        before = str(self.folder.options_of("extract").get(_SOURCE, name))
        return before if location(before) == name else name

    def _take_over(self, stage: str, kind: type[ExtractSummary | DedupSummary], upstream: str) -> None:
        """Records options and result of a stage of the run, whose tables aren't needed."""
        options = self._source.folder.options_of(stage) | {_SOURCE: self._source_name}
        self.folder.check_options(stage, options)
        if not self.folder.is_finished(stage, upstream):
            self.folder.begin(stage, options, upstream)
            self.folder.finish(stage, self._source.folder.summary(kind))

    def _match(self) -> DownloadLosses:
        """Finds the downloaded pairs, which are the matched pairs of the new run."""
        before = self._source.folder.options_of("match")
        lists = before.get(LIST_DIGESTS, {}) | self._screened_options[LIST_DIGESTS]
        options = before | {
            _SOURCE: self._source_name,
            _SEEDS: self._seeds_before,
            "drop_equal_images": self._options.drop_equal_images,
            "downloaded": _digest([name for _, name in self._files]),
            # What was removed leaves the new manifest when it is drawn.
            "removed_digest": "",
            **self._screened_options,
            LIST_DIGESTS: lists,
        }
        self.folder.check_options("match", options)
        upstream = self.folder.fingerprint("dedup")
        if self.folder.is_finished("match", upstream):
            self._log("rebalance: the downloaded pairs were found before")
        else:
            self._log(f"rebalance: reading what became of the pairs from {len(self._files):,} files")
            self.folder.begin("match", options, upstream)
            files = [storage.join(folder, name) for folder, name in self._files]
            self.folder.begin_parts("match", [PART])
            screening = self._screening if self._screening.is_needed else None
            download = Download(files, self._options.downloaded, self._options.drop_equal_images, screening)
            written = write_downloaded_pairs(self._source, download, self.folder)
            listed = FileList({"matched": list(written.matched), "screened": list(written.screened)})
            self.folder.commit_part("match", PART, MatchPart(languages=written.languages), listed)
            self.folder.finish("match", self._match_summary(written))
        found = self.folder.summary(MatchSummary).download
        if found is None:  # `begin` and the options that only this command gives keep it from that
            raise RuntimeError(f"{self.folder.root} has a stage match of another command")
        return found

    def _match_summary(self, written: WrittenPairs) -> MatchSummary:
        before = self._source.folder.summary(MatchSummary)
        return MatchSummary(
            languages=tuple(
                LanguageMatches(language, row.distinct, row.matched, row.occurrences, row.screened)
                for language, row in written.languages.items()
            ),
            no_metadata=before.no_metadata,
            metadata=before.metadata,
            policy_rules=before.policy_rules,
            screened_before=before.screened_in_all,
            source=self._source.folder.root,
            downloaded=self._options.downloaded,
            download=written.losses,
        )

    def _count(self) -> None:
        options = {"metadata_digests": self._source.folder.options_of("count")["metadata_digests"]}
        upstream = self.folder.fingerprint("match")
        if self.folder.is_finished("count", upstream):
            return
        self._log("rebalance: counting")
        self.folder.begin("count", options, upstream)
        languages = tuple(row.metadata_lang for row in self.folder.summary(MatchSummary).languages if row.matched)
        entries = CountedEntries(self._source.folder.root, languages, self.folder.options)
        matched = read_run_table(self._source.spark, self.folder, "match", "matched", MATCHED)
        task = CountTask(entries, self.folder.table("counts"), self.folder.options)
        files, _ = write_counts(matched, task)
        self.folder.finish("count", CountSummary(), FileList({"counts": files}))


def _draw_of(folder: RunFolder) -> dict[str, Any]:
    """Returns the options that a run's pairs were drawn with."""
    return folder.options_of("sample")


def _parquet_files(folders: Sequence[str], options: StorageOptions) -> list[tuple[str, str]]:
    """Returns the folder and name of each of img2dataset's tables."""
    files: list[tuple[str, str]] = []
    for folder in folders:
        names = storage.list_parquet(folder, options)
        if not names:
            raise UserError(f"{folder} has no Parquet files: name the folder that img2dataset wrote")
        files += [(folder, name) for name in names]
    return files


def _digest(names: Sequence[str]) -> str:
    return f"{len(names)} files {hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:16]}"
