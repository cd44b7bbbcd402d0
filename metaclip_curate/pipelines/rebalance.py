"""Balancing again after the download: a new run folder from the pairs of a manifest whose images were fetched.

MetaCLIP balances last. A run that balances before the download therefore uses a larger t, and what is left of its
manifest is counted and drawn again with the t that is wanted. The new run folder's stages extract and match are taken
over from the old one; counts are of the survivors, with the entries that the old counts name; balance and sample are
those of every run.

The second draw has a seed of its own. The survivors are those whose first draw was low; compared with the same numbers
again, all of a thinned entry's texts would stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclip_curate import storage
from metaclip_curate.console.failures import EXIT_USER_ERROR, failure_of
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.options.balance import BalanceOptions
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.options.rebalance import RebalanceOptions
from metaclip_curate.options.run import RunOptions
from metaclip_curate.options.sample import SampleOptions
from metaclip_curate.pipelines.curation import Options, Pipeline
from metaclip_curate.pipelines.finished_run import FinishedRun
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.owner import owning
from metaclip_curate.run.part_files import FileList
from metaclip_curate.run.record import MatchCounts, MatchPart
from metaclip_curate.run.summaries import CountSummary, DownloadLosses, ExtractSummary, LanguageMatches, MatchSummary
from metaclip_curate.schemas import COUNTS, MANIFEST, MATCHED
from metaclip_curate.storage import StorageOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SOURCE = "rebalanced from"  # an option of extract and match that no other command gives, so that none redoes them
_SEEDS = "seeds before"
_PART = "survivors"

Tell = Callable[[str], None]


class Rebalancing:
    """A run and its download on the way to another run folder, which goes on where it stopped.

    Args:
        source: The run, finished up to sample.
        options: What of its manifest goes on.
        output: The new run folder and the session.
        balance: How thresholds are chosen.
        sample: The new manifest's files.
        command: The command line, for the data card.
        tell: Takes lines about what goes on.

    Attributes:
        folder: The new run folder.
        draw_options: The second draw's.

    Raises:
        UserError: The folders, the download's files or the seed can't be used.
    """

    def __init__(
        self,
        source: FinishedRun,
        options: RebalanceOptions,
        output: RunOptions,
        balance: BalanceOptions | None = None,
        sample: SampleOptions | None = None,
        command: str = "",
        tell: Tell = print,
    ) -> None:
        self._source = source
        self._options = options
        self._tell = tell
        self._storage: StorageOptions = source.folder.options
        if not output.output:
            raise UserError("--output is missing: name the new run folder")
        if _absolute(output.output) == _absolute(source.folder.root):
            raise UserError(f"--output {output.output} is the run itself, which stays as it is: name a new folder")
        self._files = _parquet_files(options.downloaded, self._storage)
        self._seeds_before = [*source.folder.options_of("match").get(_SEEDS, []), _draw_of(source.folder)["seed"]]
        self.draw_options = self._draw()
        self._pipeline = Pipeline(
            Options(
                run=output,
                storage=self._storage,
                balance=balance or BalanceOptions(),
                draw=self.draw_options,
                sample=sample or SampleOptions(),
            ),
            command,
            tell,
        )
        self.folder: RunFolder = self._pipeline.folder
        if self.folder.options_of("extract") and _SOURCE not in self.folder.options_of("extract"):
            raise UserError(f"{output.output} is another run: give another --output")

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
        """A block at whose end the new run folder is released."""
        return self.folder.owned()

    @owning
    def count(self) -> DownloadLosses:
        """Finds the survivors and counts their entries.

        Raises:
            UserError: No image was fetched, or the files aren't those of this manifest's download.
        """
        extract = self._source.folder.options_of("extract") | {_SOURCE: _absolute(self._source.folder.root)}
        manifest = self._source.folder.fingerprint("sample")
        self.folder.check_options("extract", extract)
        if not self.folder.is_finished("extract", manifest):
            self.folder.begin("extract", extract, manifest)
            self.folder.finish("extract", self._source.folder.summary(ExtractSummary))
        match = self._source.folder.options_of("match") | {
            _SOURCE: extract[_SOURCE],
            _SEEDS: self._seeds_before,
            "drop_equal_images": self._options.drop_equal_images,
            "downloaded": _digest([name for _, name in self._files]),
        }
        self.folder.check_options("match", match)
        upstream = self.folder.fingerprint("extract")
        if self.folder.is_finished("match", upstream):
            self._tell("rebalance: the survivors were found before")
        else:
            self._tell(f"rebalance: reading what became of the pairs from {len(self._files):,} files")
            self.folder.begin("match", match, upstream)
            self._find_downloaded_pairs()
        self._count_downloaded_pairs()
        losses = self.folder.summary(MatchSummary).download
        assert losses is not None
        return losses

    @owning
    def draw(self) -> None:
        """Balances and samples the survivors, as every run does."""
        self._pipeline.balance()
        self._pipeline.sample()

    def report(self) -> None:
        """Writes the new run's report; it raises nothing."""
        self._pipeline.report()

    def _find_downloaded_pairs(self) -> None:
        from metaclip_curate.stages.after.downloaded_pairs import (
            SUCCESS,
            downloaded_pairs,
            pair_outcomes,
            without_equal_images,
        )
        from metaclip_curate.stages.match import LAYOUT
        from metaclip_curate.stages.shared.tables import read_files, read_named, write_table

        spark, work = self._source.spark, self.folder.work("verdicts")
        manifest = self._source.read("sample", "manifest", MANIFEST)
        # Written once, so that the account and the survivors are of the same reading.
        try:
            _write(pair_outcomes(manifest, self._outcomes()), work)
        except Exception as error:  # of a file that Spark or a worker can't read, which Spark has no narrower one for
            failure = failure_of(error)
            if failure is None or failure.status != EXIT_USER_ERROR:
                raise
            raise UserError(failure.message) from error
        judged = read_files(spark, [work], "uid string, in_manifest boolean, status string, sha256 string")
        if self._options.drop_equal_images:
            judged = without_equal_images(judged)
        states = {(listed, state): n for listed, state, n in judged.groupBy("in_manifest", "status").count().collect()}
        lost = {state: n for (listed, state), n in sorted(states.items()) if listed and state != SUCCESS}
        fetched = states.get((True, SUCCESS), 0)
        unknown = sum(n for (listed, _), n in states.items() if not listed)
        if not fetched:
            self.folder.discard("extract")
            raise UserError(_nothing_left(self._source.folder.root, self._options.downloaded, lost, unknown))
        written = write_table(
            downloaded_pairs(manifest, judged), LAYOUT, self.folder.part("matched", _PART), self._storage
        )
        sums = _sums(read_named(spark, self.folder.part("matched", _PART), written, MATCHED))
        found = sum(counts.matched for counts in sums.values())
        if found != fetched:
            raise JobFailedError(f"{fetched:,} images were fetched, and {found:,} pairs of them were read: try again")
        self.folder.commit_part("match", _PART, MatchPart(languages=sums), FileList({"matched": written}))
        before = self._source.folder.summary(MatchSummary)
        self.folder.finish(
            "match",
            MatchSummary(
                languages=tuple(
                    LanguageMatches(language, row.distinct, row.matched, row.occurrences)
                    for language, row in sums.items()
                ),
                no_metadata=before.no_metadata,
                metadata=before.metadata,
                source=self._source.folder.root,
                downloaded=self._options.downloaded,
                download=DownloadLosses(fetched + sum(lost.values()), fetched, lost, unknown),
            ),
        )

    def _outcomes(self) -> DataFrame:
        from metaclip_curate.stages.after.downloaded_pairs import read_outcomes

        needed = ["uid", "status", *(["sha256"] if self._options.drop_equal_images else [])]
        files = [storage.join(folder, name) for folder, name in self._files]
        return read_outcomes(self._source.spark, files, needed, self._storage)

    def _count_downloaded_pairs(self) -> None:
        options = {"metadata_digests": self._source.folder.options_of("count")["metadata_digests"]}
        upstream = self.folder.fingerprint("match")
        if self.folder.is_finished("count", upstream):
            return
        from pyspark.sql import functions as F

        from metaclip_curate.stages.count import LAYOUT, count
        from metaclip_curate.stages.shared.tables import read_table, write_table

        self._tell("rebalance: counting")
        self.folder.begin("count", options, upstream)
        languages = [row.metadata_lang for row in self.folder.summary(MatchSummary).languages]
        entries = self._source.read("count", "counts", COUNTS).filter(F.col("metadata_lang").isin(languages))
        matched = read_table(self._source.spark, self.folder.table_files("match", "matched"), MATCHED)
        counts = count(matched, entries.drop("count"))
        files = write_table(counts, LAYOUT, self.folder.table("counts"), self._storage)
        self.folder.finish("count", CountSummary(), FileList({"counts": files}))


def _nothing_left(run: str, downloaded: Sequence[str], lost: dict[str, int], unknown: int) -> str:
    folders = ", ".join(downloaded)
    if set(lost) <= {"missing"} and unknown:
        return f"none of the {unknown:,} samples in {folders} is in the manifest of {run}: name its own download"
    reasons = ", ".join(f"{count:,} {status}" for status, count in lost.items())
    return f"none of the images of {run} was fetched to {folders} ({reasons}): download again"


def _sums(matched: DataFrame) -> dict[str, MatchCounts]:
    """A language's pairs, and how often entries occur in them."""
    from pyspark.sql import functions as F

    pairs, occurrences = F.count(F.lit(1)), F.sum(F.size("entry_ids"))
    rows = matched.groupBy("metadata_lang").agg(pairs, occurrences).collect()
    return {
        language: MatchCounts(distinct=size, matched=size, occurrences=found) for language, size, found in sorted(rows)
    }


def _draw_of(folder: RunFolder) -> dict[str, Any]:
    """The options a run's pairs were drawn with."""
    return folder.options_of("sample")


def _parquet_files(folders: Sequence[str], options: StorageOptions) -> list[tuple[str, str]]:
    """The folders and names of img2dataset's tables."""
    files: list[tuple[str, str]] = []
    for folder in folders:
        names = [name for name in storage.list_folder(folder, options) if name.endswith(".parquet")]
        if not names:
            raise UserError(f"{folder} has no Parquet files: name the folder that img2dataset wrote")
        files += [(folder, name) for name in names]
    return files


def _digest(names: Sequence[str]) -> str:
    """Names a list of files."""
    return f"{len(names)} files {hashlib.sha256(chr(10).join(names).encode()).hexdigest()[:16]}"


def _absolute(root: str) -> str:
    return str(Path(root).resolve()) if storage.is_local(root) else root


def _write(rows: DataFrame, path: str) -> None:
    rows.write.mode("overwrite").option("compression", "zstd").parquet(path)
