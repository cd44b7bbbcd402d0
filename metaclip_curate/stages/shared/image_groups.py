"""Products over the texts of an image, whose rows come in batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.balance import Floats

# Instead of a language: all texts of an image.
ALL = -1


class ImageGroups:
    """Products over the texts of each image and language, and of each image.

    Attributes:
        carried: Id and language of the last text, the product over the image's earlier languages, and the one over this
            language so far, each of shape (candidates,); None before the first batch.
    """

    def __init__(self, candidates: int) -> None:
        self._one = np.ones(candidates, dtype=np.float64)
        self.carried: tuple[str, int, Floats, Floats] | None = None

    def add(
        self, image: pa.Array, language: npt.NDArray[np.int32], lost: Floats
    ) -> tuple[npt.NDArray[np.integer[Any]], Floats]:
        """Adds n texts.

        Args:
            image: Image ids, sorted, shape (n,).
            language: Languages, sorted within each image, shape (n,).
            lost: Probabilities of not being kept, shape (candidates, n).

        Returns:
            Of each complete group, its language, or ALL for a whole image, and the probabilities that one of its texts
            is kept, shape (candidates, groups).
        """
        changed = np.asarray(pc.not_equal(image[1:], image[:-1]), dtype=bool)
        first = image[0].as_py()
        earlier = self._one
        if self.carried is not None:
            # The unfinished group continues as if it were a text of this batch.
            carried_image, carried_language, earlier, so_far = self.carried
            language = np.concatenate([[carried_language], language])
            lost = np.concatenate([so_far[:, None], lost], axis=1)
            changed = np.concatenate([[first != carried_image], changed])
        new_image = np.concatenate([[True], changed])
        new_group = new_image | np.concatenate([[True], language[1:] != language[:-1]])
        starts = np.flatnonzero(new_group)
        groups = np.multiply.reduceat(lost, starts, axis=1)
        # The first image may have had languages before this batch.
        image_starts = np.flatnonzero(new_image[starts])
        factors = groups.copy()
        factors[:, 0] = earlier * factors[:, 0]
        last = image_starts[-1]
        complete_images = np.multiply.reduceat(factors[:, :last], image_starts[:-1], axis=1) if last else groups[:, :0]
        before_last = factors[:, last:-1]
        earlier = np.multiply.reduce(before_last, axis=1, initial=1.0) if last or len(starts) > 1 else earlier
        self.carried = (image[-1].as_py(), int(language[-1]), earlier, groups[:, -1])
        return self._kept(language[starts[:-1]], groups[:, :-1], complete_images)

    def rest(self) -> tuple[npt.NDArray[np.integer[Any]], Floats]:
        """Returns the groups of the last image."""
        if self.carried is None:
            return np.empty(0, dtype=np.int32), np.empty((len(self._one), 0))
        _, language, earlier, so_far = self.carried
        return self._kept(np.array([language]), so_far[:, None], (earlier * so_far)[:, None])

    @staticmethod
    def _kept(
        language: npt.NDArray[np.integer[Any]], groups: Floats, images: Floats
    ) -> tuple[npt.NDArray[np.integer[Any]], Floats]:
        labels = np.concatenate([language, np.full(images.shape[1], ALL)])
        return labels, 1.0 - np.concatenate([groups, images], axis=1)
