"""The files of `distinct`: a large language has as many as its pairs need, and small ones share one."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Share(NamedTuple):
    """The files that a language's pairs are spread over.

    Attributes:
        first: Number of the first.
        splits: How many there are.
    """

    first: int
    splits: int


@dataclass(frozen=True)
class LanguageLayout:
    """Which file a pair is written to.

    Attributes:
        shares: Files by language label.
        files: Number of files.
    """

    shares: Mapping[str, Share]
    files: int

    def share(self, label: str) -> Share:
        """Returns a label's files. A label that the layout wasn't planned for shares one that depends on its name."""
        return self.shares.get(label) or Share(zlib.crc32(label.encode()) % self.files, 1)

    def files_of(
        self, labels: Sequence[str], codes: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint64]
    ) -> npt.NDArray[np.int64]:
        """Returns the number of each pair's file.

        Args:
            labels: Different labels.
            codes: Index of each pair's label, shape (n,).
            hashes: A hash of each pair's uid, shape (n,).
        """
        shares = [self.share(label) for label in labels]
        firsts = np.array([share.first for share in shares], np.int64)
        splits = np.array([share.splits for share in shares], np.uint64)
        return firsts[codes] + (hashes % splits[codes]).astype(np.int64)


def plan_layout(pairs: Mapping[str, int], pairs_per_file: int) -> LanguageLayout:
    """Divides languages over files of about equal size.

    Args:
        pairs: Number of pairs of each language label; an estimate does.
        pairs_per_file: Number of pairs to aim at in a file.

    Returns:
        The layout. A language of more than `pairs_per_file` pairs has files of its own; the others fill files in the
        order of their labels.
    """
    shares: dict[str, Share] = {}
    files = 0
    for label, count in sorted(pairs.items()):
        if count > pairs_per_file:
            shares[label] = Share(files, -(-count // pairs_per_file))
            files += shares[label].splits
    filled = pairs_per_file + 1  # as if the one before the first were full
    for label, count in sorted(pairs.items()):
        if label in shares:
            continue
        if filled + count > pairs_per_file:
            files, filled = files + 1, 0
        shares[label] = Share(files - 1, 1)
        filled += count
    return LanguageLayout(shares, max(1, files))
