"""The texts that an epoch uses: as drawn before (offline) or drawn anew (online), with a weight for each language.

Offline, every pair of the manifest is used. Online, as MetaCLIP 2 trains (arXiv 2507.22062), the data are all matched
images: in each epoch one text of each image is selected and kept with its keep probability. In both cases the number of
uses of a text is multiplied by the weight of its language. A number above 1 stands for several copies, so an epoch is
drawn once for each possible copy: copy c of a text is used if its draw is below number - c.

Selection and draw are those of the manifest (`metaclip_curate.balance`), with a seed that depends on epoch and copy.
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
from metaclip_curate.balance import Floats, hash_words
from metaclip_curate.errors import UserError
from metaclip_curate.run.folder import RunFolder
from metaclip_curate.run.tables import read_columns
from metaclip_curate.storage import StorageOptions
from metaclip_curate.trainer.data.shards import Indices
from metaclip_curate.trainer.data.subset import UidSet


def derived_seed(seed: int, *numbers: int) -> int:
    """Derives a seed from another and a sequence of numbers, such as epoch and copy, by the hash of the manifest."""
    for number in numbers:
        seed = int(hash_words(np.array([number], dtype=np.uint64), seed)[0])
    return seed


@dataclass(frozen=True)
class Selection:
    """The rule by which the texts of an epoch are selected.

    Attributes:
        seed: An integer from 0 to 2^64 - 1.
        weights: Factor of each metadata language by which its pairs are used more or less often. Default: 1.
        entry_probabilities: For online training, the probability of each entry by id, for each metadata language, from
            `read_entry_probabilities`. Default: None, which means offline.
        only: Uids from `read_uids`, to which the selection is restricted. Default: None, all pairs.

    Raises:
        UserError: A weight is negative or not a number.
    """

    seed: int = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    entry_probabilities: Mapping[str, Floats] | None = None
    only: UidSet | None = None

    def __post_init__(self) -> None:
        balance.draws(["0" * 32], self.seed)  # checks the seed
        for language, weight in self.weights.items():
            if not 0 <= weight < math.inf:
                raise UserError(f"the weight of {language} is {weight}: give a number from 0 up")

    @property
    def copies(self) -> int:
        """The largest number of times that an epoch can use an image."""
        return max([1, *(math.ceil(weight) for weight in self.weights.values())])

    @property
    def takes_all(self) -> bool:
        """Whether each image is used exactly once, so that nothing has to be drawn."""
        drawn = self.entry_probabilities is not None or self.only is not None
        return not drawn and all(weight == 1 for weight in self.weights.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `shards.TEXTS` that a draw needs."""
        return ("image", "uid", "language", *(["entry_ids"] if self.entry_probabilities is not None else []))

    def expected_uses(self, texts: pa.Table) -> Floats:
        """Computes the expected number of uses of each text once it is selected: keep probability times weight.

        Args:
            texts: Rows with the columns of `columns`.

        Returns:
            Shape (texts,).

        Raises:
            UserError: The run has no counts of a language.
        """
        result = np.ones(len(texts), dtype=np.float64)
        if self.only is not None:
            result[~self.only.contains(texts["uid"].combine_chunks())] = 0
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

    def expected_images(self, texts: pa.Table, uses: Floats | None = None) -> float:
        """Computes the expected number of images that an epoch uses: the sum of each image's mean over its texts.

        Args:
            texts: Rows with the columns of `columns`.
            uses: Result of `expected_uses`. Default: it is computed.
        """
        images = texts["image"].to_numpy()
        if not len(images):
            return 0.0
        texts_of_image = np.bincount(images)
        uses = self.expected_uses(texts) if uses is None else uses
        return float((uses / texts_of_image[images]).sum())

    def select(self, texts: pa.Table, epoch: int, copy: int = 0, uses: Floats | None = None) -> Indices:
        """Draws the texts that an epoch uses.

        Args:
            texts: Rows with the columns of `columns`; the texts of an image are adjacent.
            epoch: The epoch, from 0.
            copy: The copy, from 0 to `copies` - 1.
            uses: Result of `expected_uses` for these texts. Default: it is computed for those that are chosen.

        Returns:
            Ascending row numbers of the texts that are used, at most one of each image.
        """
        seed = derived_seed(self.seed, epoch, copy)
        selected = _one_of_each_image(texts, seed)
        if self.takes_all:
            return selected
        chosen = texts.take(pa.array(selected))
        drawn = balance.draws(chosen["uid"].combine_chunks(), seed)
        return selected[drawn < (self.expected_uses(chosen) if uses is None else uses[selected]) - copy]

    def shuffle_keys(self, uids: pa.Array, epoch: int, copy: int) -> npt.NDArray[np.uint64]:
        """Computes the keys by which samples are shuffled, shape (uids,)."""
        return balance.order_keys(uids, derived_seed(self.seed, epoch, copy))


def _one_of_each_image(texts: pa.Table, seed: int) -> Indices:
    """Finds the text with the smallest selection key of each image."""
    images = texts["image"].to_numpy()
    if not len(images) or images[-1] == len(images) - 1:  # each image has one text
        return np.arange(len(images))
    keys = balance.selection_keys(texts["uid"].combine_chunks(), seed)
    by_image = np.lexsort((keys, images))
    first = np.concatenate([[True], images[by_image][1:] != images[by_image][:-1]])
    return np.asarray(by_image[first], dtype=np.int64)


def read_entry_probabilities(run: str, options: StorageOptions | None = None) -> dict[str, Floats]:
    """Computes the probability min(1, t / count) of each entry from the counts and thresholds of a run.

    Args:
        run: The run folder, finished up to balance.
        options: Credentials and limits for reading the folder.

    Returns:
        Probabilities by entry id, shape (entries,), for each metadata language.

    Raises:
        UserError: The run isn't finished up to balance.
    """
    folder = RunFolder(run, options)
    thresholds = read_columns(folder, "balance", "thresholds", ["metadata_lang", "t"])
    counts = read_columns(folder, "count", "counts", ["metadata_lang", "entry_id", "count"])
    found = {}
    for row in thresholds.to_pylist():
        of_language = counts.filter(pc.equal(counts["metadata_lang"], row["metadata_lang"]))
        by_id = np.zeros(len(of_language), dtype=np.int64)
        by_id[of_language["entry_id"].to_numpy()] = of_language["count"].to_numpy()
        found[row["metadata_lang"]] = balance.entry_probabilities(by_id, row["t"])
    return found
