"""Which texts an epoch uses: as drawn before (offline) or drawn anew (online), with a weight for each language.

Offline, every pair of the manifest is used. Online, which is how MetaCLIP 2 trains (arXiv 2507.22062), the data are
all matched images; in each epoch one text of an image is selected and kept with its keep probability. Both are
multiplied by the weight of the text's language. A number above 1 stands for several copies, so an epoch is drawn once
for each possible copy: copy c of a text is used when its draw is below number - c.

Selection and draw are those of the manifest (`metaclip_curate.balance`), with a seed that depends on the epoch and the
copy in place of the run's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate import balance
from metaclip_curate.balance import Floats, Words, hash_words
from metaclip_curate.errors import UserError
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.storage import StorageOptions
from metaclip_curate.trainer.data.shards import Places
from metaclip_curate.trainer.data.subset import is_among, read_parquet


def derived_seed(seed: int, *numbers: int) -> int:
    """A seed for each sequence of numbers, by the manifest's hash: of an epoch, of a copy, of a shard."""
    for number in numbers:
        seed = int(hash_words(np.array([number], dtype=np.uint64), seed)[0])
    return seed


@dataclass(frozen=True)
class Sampling:
    """How an epoch's texts come about.

    Attributes:
        seed: From 0 to 2^64 - 1.
        weights: Of each metadata language, how many times as often its pairs are used; 1 for those not named.
        entry_probabilities: Online: of each metadata language the probability of every entry by id, from
            `entry_probabilities_of`. None: offline.
        only: Uids, from `uids_of`; others aren't used. None: all are.

    Raises:
        UserError: A weight is negative or not a number.
    """

    seed: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    entry_probabilities: Mapping[str, Floats] | None = None
    only: Words | None = None

    def __post_init__(self) -> None:
        balance.draws(["0" * 32], self.seed)  # checks the seed
        for language, weight in self.weights.items():
            if not 0 <= weight < math.inf:
                raise UserError(f"the weight of {language} is {weight}: give a number from 0 up")

    @property
    def copies(self) -> int:
        """How often an image can be used in an epoch at most."""
        return max([1, *(math.ceil(weight) for weight in self.weights.values())])

    @property
    def takes_all(self) -> bool:
        """Whether every image is used exactly once, so that nothing need be drawn."""
        drawn = self.entry_probabilities is not None or self.only is not None
        return not drawn and all(weight == 1 for weight in self.weights.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `units.TEXTS` that a draw needs."""
        return ("image", "uid", "language", *(["entry_ids"] if self.entry_probabilities is not None else []))

    def numbers(self, texts: pa.Table) -> Floats:
        """How often each text is used, if it is selected: keep probability times weight.

        Args:
            texts: With the columns of `columns`.

        Returns:
            Shape (texts,).
        """
        result = np.ones(len(texts), dtype=np.float64)
        if self.only is not None:
            result[~is_among(texts["uid"].combine_chunks(), self.only)] = 0
        if self.entry_probabilities is None and not self.weights:
            return result
        encoded = pc.dictionary_encode(texts["language"].combine_chunks())
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        for code, language in enumerate(encoded.dictionary.to_pylist()):
            rows = np.flatnonzero(codes == code)
            if self.entry_probabilities is not None:
                probabilities = self.entry_probabilities.get(language)
                if probabilities is None:
                    raise UserError(f"the run has no counts of the language {language}: name the downloaded run")
                entry_ids = texts["entry_ids"].combine_chunks().take(pa.array(rows))
                result[rows] *= balance.keep_probabilities(entry_ids, probabilities)
            result[rows] *= self.weights.get(language, 1.0)
        return result

    def expected(self, texts: pa.Table) -> float:
        """The expected number of images that an epoch uses of these: the sum of each image's mean over its texts."""
        images = texts["image"].to_numpy()
        if not len(images):
            return 0.0
        texts_of_image = np.bincount(images)
        return float((self.numbers(texts) / texts_of_image[images]).sum())

    def used(self, texts: pa.Table, epoch: int, copy: int = 0) -> Places:
        """Draws.

        Args:
            texts: With the columns of `columns`, an image's texts together.
            epoch: From 0.
            copy: From 0 to `copies` - 1.

        Returns:
            The places of the texts that are used, at most one of an image, ascending.
        """
        seed = derived_seed(self.seed, epoch, copy)
        selected = _one_of_each_image(texts, seed)
        if self.takes_all:
            return selected
        chosen = texts.take(pa.array(selected))
        drawn = balance.draws(chosen["uid"].combine_chunks(), seed)
        return selected[drawn < self.numbers(chosen) - copy]

    def order(self, uids: pa.Array, epoch: int, copy: int) -> npt.NDArray[np.uint64]:
        """Keys by which samples are shuffled, shape (uids,)."""
        return balance.order_keys(uids, derived_seed(self.seed, epoch, copy))


def _one_of_each_image(texts: pa.Table, seed: int) -> Places:
    """The text with the smallest selection key of each image."""
    images = texts["image"].to_numpy()
    if not len(images) or images[-1] == len(images) - 1:  # each has one
        return np.arange(len(images))
    keys = balance.selection_keys(texts["uid"].combine_chunks(), seed)
    by_image = np.lexsort((keys, images))
    first = np.concatenate([[True], images[by_image][1:] != images[by_image][:-1]])
    return np.asarray(by_image[first], dtype=np.int64)


def entry_probabilities_of(run: str, options: StorageOptions | None = None) -> dict[str, Floats]:
    """Reads what the draw of a run needs: min(1, t / count) of each entry, from its counts and thresholds.

    Args:
        run: The run folder, finished up to balance.
        options: How to reach it.

    Returns:
        Of each metadata language, shape (entries,).

    Raises:
        UserError: The run isn't finished so far.
    """
    folder = RunFolder(run, options)
    thresholds = _read(folder, "balance", "thresholds", ["metadata_lang", "t"])
    counts = _read(folder, "count", "counts", ["metadata_lang", "entry_id", "count"])
    found = {}
    for row in thresholds.to_pylist():
        mine = counts.filter(pc.equal(counts["metadata_lang"], row["metadata_lang"]))
        by_id = np.zeros(len(mine), dtype=np.int64)
        by_id[mine["entry_id"].to_numpy()] = mine["count"].to_numpy()
        found[row["metadata_lang"]] = balance.entry_probabilities(by_id, row["t"])
    return found


def _read(folder: RunFolder, stage: str, table: str, columns: list[str]) -> pa.Table:
    files = folder.table_files(stage, table)
    return pa.concat_tables([read_parquet(file.url, columns, folder.options) for file in files])
