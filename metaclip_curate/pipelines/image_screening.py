"""Screening the pairs of a manifest for their downloaded images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.images.benchmark_hashes import BenchmarkHashes
from metaclip_curate.images.benchmark_images import BenchmarkFolder
from metaclip_curate.images.classifier import Classifier, ClassifierModel
from metaclip_curate.images.decoding import require_packages
from metaclip_curate.images.fingerprint_download import fingerprint_tables
from metaclip_curate.images.scores import score_tables
from metaclip_curate.images.stored_images import list_shards
from metaclip_curate.options.fields import table_options
from metaclip_curate.options.image_screens import ImageScreenOptions
from metaclip_curate.pipelines.run_screens import short_names
from metaclip_curate.screens.host_list import read_pieces
from metaclip_curate.screens.image_list import ImageList, read_image_list, split_image_list
from metaclip_curate.screens.image_screens import DigestListScreen, ImageScreen, ImageScreens, PdqScreen
from metaclip_curate.stages.after.image_verdicts import (
    ShardSource,
    hashes_to_compare,
    image_verdicts,
    judged_images,
    rejected_pairs,
    with_near_duplicates,
    write_missing_scores,
)
from metaclip_curate.stages.after.near_duplicates import near_duplicates
from metaclip_curate.stages.shared.tables import write_temporary
from metaclip_curate.storage import StorageOptions, public_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class ImageScreening:
    """The screens of a download's images.

    Args:
        options: The options.
        downloaded: Folders that img2dataset wrote.
        store: Credentials and limits for all files.
        log: Receives warnings and lines about progress.

    Attributes:
        warnings: The warnings that `log` has received.

    Raises:
        UserError: There aren't as many folders of fingerprints as of downloads.
    """

    def __init__(
        self,
        options: ImageScreenOptions,
        downloaded: Sequence[str],
        store: StorageOptions,
        log: Callable[[str], None],
    ) -> None:
        self._options, self._downloaded, self._store, self._log = options, downloaded, store, log
        self.warnings: list[str] = []
        if options.fingerprints and len(options.fingerprints) != len(downloaded):
            raise UserError(
                f"--fingerprints names {len(options.fingerprints)} folders and --downloaded {len(downloaded)}: give as "
                "many, in the same order"
            )

    def _warn(self, line: str) -> None:
        self.warnings.append(line)
        self._log(line)

    @property
    def is_needed(self) -> bool:
        """Whether any screen is asked for."""
        return self._options.any

    @cached_property
    def recorded(self) -> dict[str, Any]:
        """The options that decide what is rejected.

        Raises:
            UserError: A list or a folder can't be read.
        """
        if not self._options.any:
            return {}
        model = self._model
        digest = {"classifier_digest": hashlib.sha256(model.data).hexdigest()} if model else {}
        return table_options(self._options) | digest

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each list, by what it is and the end of its name.

        Raises:
            UserError: A list or a folder can't be read.
        """
        lists, folders = self._lists, self._options.benchmark
        named = short_names([*(each.name.path for each in lists), *folders])
        digests = {f"--image-list {_kind(each)}={named[each.name.path]}": each.digest for each in lists}
        return digests | {f"--benchmark {named[each]}": self._benchmarks[each].digest for each in folders}

    @cached_property
    def _lists(self) -> list[ImageList]:
        return [read_image_list(split_image_list(value), self._store) for value in self._options.image_list]

    @cached_property
    def _benchmarks(self) -> dict[str, BenchmarkFolder]:
        return {folder: BenchmarkFolder(folder, self._store) for folder in self._options.benchmark}

    @cached_property
    def _model(self) -> ClassifierModel | None:
        given = self._options
        if not given.classifier:
            return None
        require_packages("onnxruntime", "PIL")
        data = b"".join(read_pieces(given.classifier, self._store))
        model = ClassifierModel(data, given.classifier, given.label, given.classifier_mean, given.classifier_std)
        Classifier(model).check()  # before anything is read
        return model

    def check(self) -> None:
        """Looks at the fingerprints of a shard of each download, and warns of lists of digests that its images lack.

        Benchmarks are hashed here, before a session starts, since that takes long and finds folders that can't be used.

        Raises:
            UserError: A shard has no fingerprints, or older ones; a benchmark has no image that can be decoded.
        """
        if not self.is_needed:
            return
        kinds = sorted({each.name.kind for each in self._lists if each.name.kind != "pdq" and len(each.hashes)})
        first_of_folder = {source.shard.folder: source for source in reversed(self._sources)}
        for folder in dict.fromkeys(self._downloaded):
            rows = first_of_folder[folder].read_fingerprints()
            for kind in kinds:
                # Of a picture that img2dataset stores as it was fetched, both digests are known.
                if lacking := rows.column(kind).null_count:
                    self._warn(
                        f"rebalance: {lacking:,} of {rows.num_rows:,} images of the first shard in {folder} have no "
                        f"{kind} of the file that was fetched, so that --image-list {kind}= can't find such images: "
                        f"let img2dataset download again with --compute_hash {kind}"
                    )
        _ = self._benchmark_screens

    def rejected(self, fetched: DataFrame, work: str) -> DataFrame:
        """Finds the pairs that are rejected for their image.

        Args:
            fetched: Rows of uid and image_id: the pairs whose image was fetched.
            work: Folder for tables that are needed until the pairs were read.

        Returns:
            Rows of uid, reason and detail.

        Raises:
            UserError: A file can't be used, or an image has no fingerprint.
        """
        spark = fetched.sparkSession
        sources = self._sources
        screens = ImageScreens.of(self._options, [*self._list_screens(), *self._benchmark_screens])
        self._score(sources, fetched)
        judged = judged_images(spark, sources, screens)
        images = write_temporary(image_verdicts(fetched, judged), storage.join(work, "images"))
        unknown = images.filter("unknown").count()
        if unknown:
            raise UserError(
                f"{unknown:,} downloaded images have no fingerprint: download again with --save_additional_columns "
                "'[\"uid\"]', and run `metaclip-curate images fingerprint`"
            )
        if self._options.near_duplicates is not None:
            images = self._with_near_duplicates(images, self._options.near_duplicates, work)
        return rejected_pairs(fetched, images)

    def _with_near_duplicates(self, images: DataFrame, distance: int, work: str) -> DataFrame:
        firsts = write_temporary(hashes_to_compare(images), storage.join(work, "hashes"))
        number = firsts.count()
        self._log(f"rebalance: looking for near duplicates among {number:,} hashes")
        found = write_temporary(near_duplicates(firsts, number, distance), storage.join(work, "near"))
        capped = found.filter("capped and other is null").count()
        if capped:
            self._warn(
                f"rebalance: {capped:,} hashes of which no near duplicate was found share a part with so many others "
                "that they weren't compared with all of them there; near duplicates of those may remain"
            )
        return with_near_duplicates(images, firsts, found)

    @cached_property
    def _sources(self) -> list[ShardSource]:
        """Returns the shards of all folders."""
        model, sources = self._model, []
        for number, folder in enumerate(self._downloaded):
            output = self._options.fingerprints[number] if self._options.fingerprints else ""
            fingerprints = fingerprint_tables(folder, output, self._store)
            scores = score_tables(fingerprints.url, model, self._store) if model else None
            shards = list_shards(folder, self._store)
            sources += [ShardSource(shard, fingerprints, scores) for shard in shards]
        return sources

    def _score(self, sources: Sequence[ShardSource], fetched: DataFrame) -> None:
        """Scores the images of shards that have no scores yet."""
        if self._model is None:
            return
        missing = [source for source in sources if source.scores and source.scores.missing([source.shard])]
        if missing:
            self._log(f"rebalance: scoring the images of {len(missing):,} shards with {self._options.classifier}")
            write_missing_scores(fetched.sparkSession, missing, self._model, self._store)

    def _list_screens(self) -> list[ImageScreen]:
        screens: list[ImageScreen] = []
        for each in self._lists:
            name = public_name(each.name.path).rsplit("/", 1)[-1]
            if not len(each.hashes):
                self._warn(f"rebalance: the image list {public_name(each.name.path)} is empty and rejects nothing")
            elif each.name.kind == "pdq":
                screens.append(PdqScreen("image_list", each.hashes, pa.array([name]), each.name.distance))
            else:
                screens.append(DigestListScreen(each.name.kind, each.hashes, name))
        return screens

    @cached_property
    def _benchmark_screens(self) -> list[ImageScreen]:
        screens: list[ImageScreen] = []
        for url, folder in self._benchmarks.items():
            kept = BenchmarkHashes(self._sources[0].fingerprints.url, url, self._store)
            found = folder.read(kept, self._log, self._warn)
            self._log(f"rebalance: {len(found.names):,} images of --benchmark {public_name(url)} are looked for")
            screens.append(PdqScreen("benchmark", found.hashes, found.names, self._options.benchmark_distance))
        return screens


def _kind(each: ImageList) -> str:
    return f"{each.name.kind}:{each.name.distance}" if each.name.kind == "pdq" else each.name.kind
