"""The screens that look at each downloaded image alone, by its fingerprint and its classifier's score.

Near duplicates aren't among them, since they are decided about all images together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.options.image_screens import ImageScreenOptions
from metaclip_curate.screens.hash_search import NONE, HashIndex, hash_bytes
from metaclip_curate.screens.reasons import IMAGE_REASONS

SCORE = "score"
PASSED = -1
# Rows of a position in the order of their finding, and the words about them.
Findings = Mapping[int, str]


class ImageScreen(Protocol):
    """A rule that rejects images.

    Attributes:
        reason: Its name, one of `reasons.IMAGE_REASONS`.
    """

    reason: str

    def findings(self, images: pa.Table) -> Findings:
        """Returns which images the rule rejects, by position, with what was found in words.

        Args:
            images: Rows of `schemas.FINGERPRINTS`, with a column `score` if there is a classifier.
        """
        ...


class UnreadableScreen:
    """Rejects images that can't be decoded, of which the other screens can say nothing."""

    reason = "unreadable"

    def findings(self, images: pa.Table) -> Findings:
        """Returns the reason why each of them can't be decoded."""
        errors = images.column("error").to_pylist()
        return {row: error for row, error in enumerate(errors) if error}


class DigestListScreen:
    """Rejects images whose file is on a list.

    Args:
        kind: sha256 or md5.
        hashes: Digests in lower-case hex digits.
        name: Name of the list.
    """

    reason = "image_list"

    def __init__(self, kind: str, hashes: pa.StringArray, name: str) -> None:
        self._kind, self._hashes, self._name = kind, hashes, name

    def findings(self, images: pa.Table) -> Findings:
        """Returns the list's name for each listed image."""
        listed = pc.is_in(images.column(self._kind), value_set=self._hashes, skip_nulls=True)
        return dict.fromkeys(_positions(listed), f"{self._kind} in {self._name}")


class PdqScreen:
    """Rejects images whose PDQ hash is near one of several known ones: of a list, or of a benchmark's images.

    Args:
        reason: image_list or benchmark.
        hashes: PDQ hashes as hex digits.
        names: Name of each hash's image, or one name for all.
        distance: Largest number of bits that may differ.
    """

    def __init__(self, reason: str, hashes: pa.StringArray, names: pa.StringArray, distance: int) -> None:
        self.reason = reason
        self._hashes, self._names, self._distance = hashes, names, distance

    @cached_property
    def _index(self) -> HashIndex:  # built by the workers, which receive the hashes alone
        return HashIndex(hash_bytes(self._hashes))

    def findings(self, images: pa.Table) -> Findings:
        """Returns name and distance of the nearest known hash for each image that has one within the distance."""
        rows = np.flatnonzero(_mask(pc.is_valid(images.column("pdq"))))
        hashes = hash_bytes(images.column("pdq").combine_chunks().drop_null())
        found = self._index.nearest(hashes, self._distance)
        near = np.flatnonzero(found.known != NONE)
        return {int(rows[at]): self._detail(int(found.known[at]), int(found.distance[at])) for at in near}

    def _detail(self, index: int, distance: int) -> str:
        name = self._names[index if len(self._names) > 1 else 0].as_py()
        return f"{distance} bits from {name}"


class SizeScreen:
    """Rejects images that are too small or too long.

    Args:
        min_side: Smallest number of pixels of the shorter side; None for any.
        max_aspect: Largest ratio of the longer to the shorter side; None for any.
    """

    reason = "size"

    def __init__(self, min_side: int | None, max_aspect: float | None) -> None:
        self._min_side, self._max_aspect = min_side, max_aspect

    def findings(self, images: pa.Table) -> Findings:
        """Returns the size of each image that is rejected."""
        width, height = (images.column(name).fill_null(0).to_numpy().astype(np.int64) for name in ("width", "height"))
        shorter, longer = np.minimum(width, height), np.maximum(width, height)
        rejected = np.zeros(len(width), np.bool_)
        if self._min_side is not None:
            rejected |= shorter < self._min_side
        if self._max_aspect is not None:
            rejected |= longer > self._max_aspect * shorter
        rejected &= shorter > 0
        return {int(row): f"{width[row]} x {height[row]} pixels" for row in np.flatnonzero(rejected)}


class ClassifierScreen:
    """Rejects images by a classifier's score.

    Args:
        label: Name of the score.
        above: Largest score that passes.
    """

    reason = "classifier"

    def __init__(self, label: str, above: float) -> None:
        self._label, self._above = label, above

    def findings(self, images: pa.Table) -> Findings:
        """Returns the score of each image that is rejected.

        An image without a score isn't, since it can't be decoded; one whose score isn't a number is.
        """
        scores = images.column(SCORE).cast(pa.float64()).fill_null(-np.inf).to_numpy()
        return {int(row): f"{self._label} {scores[row]:.4g}" for row in np.flatnonzero(~(scores <= self._above))}


@dataclass(frozen=True)
class ImageVerdicts:
    """What screens say of n images.

    Attributes:
        codes: Position in `IMAGE_REASONS` of each image's first reason, -1 for images that pass, int32, shape (n,).
        details: What was found, in words; empty for images that pass, length n.
    """

    codes: npt.NDArray[np.int32]
    details: list[str]


class ImageScreens:
    """Screens of images in the order of their reasons.

    Args:
        screens: The screens, in any order.
    """

    def __init__(self, screens: Sequence[ImageScreen]) -> None:
        self._screens = sorted(screens, key=lambda screen: IMAGE_REASONS.index(screen.reason))

    @classmethod
    def of(cls, options: ImageScreenOptions, lists: Sequence[ImageScreen]) -> ImageScreens:
        """Makes the screens that options ask for.

        Args:
            options: The options.
            lists: The screens of lists and benchmarks.
        """
        screens: list[ImageScreen] = [UnreadableScreen(), *lists]
        if (options.min_side, options.max_aspect) != (None, None):
            screens.append(SizeScreen(options.min_side, options.max_aspect))
        if options.classifier and options.above is not None:
            screens.append(ClassifierScreen(options.label, options.above))
        return cls(screens)

    def judge(self, images: pa.Table) -> ImageVerdicts:
        """Returns which images are rejected, for which reason, and what was found."""
        codes = np.full(images.num_rows, PASSED, np.int32)
        details = [""] * images.num_rows
        for screen in self._screens:
            for row, detail in screen.findings(images).items():
                if codes[row] == PASSED:
                    codes[row], details[row] = IMAGE_REASONS.index(screen.reason), detail
        return ImageVerdicts(codes, details)


def _positions(found: pa.ChunkedArray) -> list[int]:
    positions: list[int] = np.flatnonzero(_mask(found)).tolist()
    return positions


def _mask(found: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = found.fill_null(False).to_numpy()
    return mask
