"""Expected numbers of kept pairs and images for several candidate thresholds, summed up over batches. Without Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from metaclip_curate import balance
from metaclip_curate.options.draw import DrawOptions
from metaclip_curate.stages.after.joint_head import JointHead
from metaclip_curate.stages.shared.exact_sums import ExactSums, rounded_sum
from metaclip_curate.stages.shared.image_groups import ALL, ImageGroups
from metaclip_curate.stages.shared.sorted_batches import each_language

Batches = Iterator[pa.RecordBatch]

# A text as the entries that a candidate down-samples, by their positions in a JointHead.
HEAD_TEXTS = pa.schema(
    [
        pa.field("image_id", pa.string()),
        pa.field("language", pa.int32()),  # its position in JointHead.languages
        pa.field("positions", pa.list_(pa.int32())),  # empty if an entry keeps the text under every candidate
    ]
)
SUMS = pa.schema(
    [
        pa.field("candidate", pa.int32()),
        pa.field("language", pa.int32()),  # ALL for images of any language
        *(pa.field(name, pa.int64()) for name in ("pairs_high", "pairs_low", "images_high", "images_low")),
    ]
)


@dataclass(frozen=True)
class Expected:
    """Expected numbers of kept pairs and images of one candidate.

    Attributes:
        pairs: Sum of the keep probabilities by language.
        images: Expected number of images with at least one kept text of a language, by language; None if they weren't
            requested.
        all_images: Expected number of images with at least one kept text of any language; None as above.
    """

    pairs: Mapping[str, float]
    images: Mapping[str, float] | None
    all_images: float | None

    @property
    def all_pairs(self) -> float:
        """Returns the sum over the languages."""
        return sum(self.pairs.values())


def expectations(
    head: JointHead, sums: Iterable[tuple[int, int, int, int, int, int]], images: bool, draw: DrawOptions
) -> list[Expected]:
    """Returns the expectations of each candidate.

    Args:
        head: The entries that candidates down-sample.
        sums: Rows of SUMS, added up by candidate and language.
        images: Whether images were summed up as well.
        draw: Whether one text of each image draws or all.
    """
    found: list[dict[int, tuple[float, float]]] = [{} for _ in head.thresholds]
    for candidate, language, pairs_high, pairs_low, images_high, images_low in sums:
        found[candidate][language] = (rounded_sum(pairs_high, pairs_low), rounded_sum(images_high, images_low))
    return [_expected(head, sums_of, images, draw) for sums_of in found]


def _expected(head: JointHead, sums: Mapping[int, tuple[float, float]], images: bool, draw: DrawOptions) -> Expected:
    nothing = (0.0, 0.0)
    pairs = {language: sums.get(number, nothing)[0] for number, language in enumerate(head.languages)}
    if not images:
        return Expected(pairs, None, None)
    if draw.texts_per_image == "one":
        return Expected(pairs, pairs, sum(pairs.values()))
    of_language = {language: sums.get(number, nothing)[1] for number, language in enumerate(head.languages)}
    return Expected(pairs, of_language, sums.get(ALL, nothing)[1])


def head_texts_and_sums(head: JointHead) -> Callable[[Batches], Batches]:
    """Returns a function from rows of image_id, metadata_lang and entry_ids to rows of SUMS, with the sums of pairs."""
    find_head, add_up = head_texts(head), summer(head, False)
    return lambda batches: add_up(find_head(batches))


def head_texts(head: JointHead) -> Callable[[Batches], Batches]:
    """Returns a function from rows of image_id, metadata_lang and entry_ids to rows of HEAD_TEXTS."""

    def run(batches: Batches) -> Batches:
        number = {language: index for index, language in enumerate(head.languages)}
        positions: dict[str, npt.NDArray[np.int32]] = {}
        for batch in batches:
            for name, rows in each_language(batch):
                if name not in positions:
                    positions[name] = head.positions(number[name])
                languages = pa.array(np.full(rows.num_rows, number[name], dtype=np.int32))
                yield pa.RecordBatch.from_arrays(
                    [rows.column(0), languages, _positions_of(rows.column(2), positions[name])], schema=HEAD_TEXTS
                )

    return run


def _positions_of(entry_ids: pa.ListArray, positions: npt.NDArray[np.int32]) -> pa.ListArray:
    """Returns the positions of entry ids; an empty list if one of them has none, since that entry keeps the text."""
    lengths = np.asarray(entry_ids.value_lengths(), dtype=np.int64)
    found = positions[entry_ids.flatten().to_numpy(zero_copy_only=False)]
    starts = np.cumsum(lengths) - lengths
    certain = np.minimum.reduceat(found, starts) < 0
    remaining = np.where(certain, 0, lengths)
    offsets = np.concatenate([[0], np.cumsum(remaining)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, found[np.repeat(~certain, lengths)])


def summer(head: JointHead, images: bool) -> Callable[[Batches], Batches]:
    """Returns a function from rows of HEAD_TEXTS to one row of SUMS for each candidate and language.

    For images, the rows have to be sorted by image and language.
    """

    def run(batches: Batches) -> Batches:
        probabilities = head.probabilities()
        candidates, languages = len(probabilities), len(head.languages)
        pairs, of_images = ExactSums(candidates, languages + 1), ExactSums(candidates, languages + 1)
        image_groups = ImageGroups(candidates)
        for batch in batches:
            if not batch.num_rows:
                continue
            language = batch.column(1).to_numpy()
            kept = _kept(batch.column(2), probabilities)
            pairs.add(language, kept)
            if images:
                of_images.add(*image_groups.add(batch.column(0), language, 1.0 - kept))
        if images:
            of_images.add(*image_groups.rest())
        yield _sums_batch(pairs, of_images)

    return run


def _kept(positions: pa.ListArray, probabilities: balance.Floats) -> balance.Floats:
    """Returns keep probabilities, shape (candidates, texts)."""
    certain = np.asarray(positions.value_lengths()) == 0
    kept = np.ones((len(probabilities), len(positions)), dtype=np.float64)
    uncertain = positions.filter(pa.array(~certain))
    if len(uncertain):
        for candidate, of_entries in enumerate(probabilities):
            kept[candidate, ~certain] = balance.keep_probabilities(uncertain, of_entries)
    return kept


def _sums_batch(pairs: ExactSums, images: ExactSums) -> pa.RecordBatch:
    """Returns rows of SUMS, except for languages that the task hasn't seen."""
    seen = pairs.high | pairs.low | images.high | images.low
    candidate, slot = np.nonzero(seen)
    language = np.where(slot == seen.shape[1] - 1, ALL, slot)
    numbers = [pa.array(column, pa.int32()) for column in (candidate, language)]
    sums = [pa.array(table[candidate, slot]) for table in (pairs.high, pairs.low, images.high, images.low)]
    return pa.RecordBatch.from_arrays([*numbers, *sums], schema=SUMS)
