"""Each language before and after balancing, for the data card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.run.summaries import LanguageThreshold, LanguageTotals
from metaclip_curate.schemas import COUNTS, MANIFEST, MATCHED
from metaclip_curate.stages.occurrence_sums import OccurrenceSums
from metaclip_curate.stages.shared.passes import Batches, Pass, Passes, Summing
from metaclip_curate.stages.shared.sorted_batches import each_language

# An image, or with an empty image_id an entry. Of an image `before` and `after` are its texts in `matched` and in the
# manifest, and of an entry the texts that contain it.
_ROWS = pa.schema(
    [
        pa.field("metadata_lang", pa.string()),
        pa.field("image_id", pa.string()),
        pa.field("entry_id", pa.int32()),
        pa.field("before", pa.int64()),
        pa.field("after", pa.int64()),
    ]
)
_NUMBERS = (
    "pairs_in",
    "images_in",
    "pairs_out",
    "images_out",
    "head_matches_in",
    "tail_matches_in",
    "head_matches_out",
    "tail_matches_out",
)
_TOTALS = pa.schema([_ROWS.field("metadata_lang"), *(pa.field(name, pa.int64()) for name in _NUMBERS)])
_NO_ENTRY = -1


def language_totals(passes: Passes, thresholds: Sequence[LanguageThreshold]) -> list[LanguageTotals]:
    """Counts pairs, images and matches of each language before and after the draw.

    Args:
        passes: Makes passes over `matched`, the manifest that was drawn from it, and `counts`.
        thresholds: The languages.

    Returns:
        An item for each language.
    """
    tables = [
        Pass(("match", "matched", MATCHED), ("metadata_lang", "image_id"), _images_before, _ROWS),
        Pass(("sample", "manifest", MANIFEST), ("metadata_lang", "image_id", "entry_ids"), _kept, _ROWS),
        Pass(("count", "counts", COUNTS), ("metadata_lang", "entry_id", "count"), _matches_before, _ROWS),
    ]
    t = {row.metadata_lang: row.t for row in thresholds}
    summing = Summing(_ROWS.names[:3], ("before", "after"), _TOTALS, _totals_of(t))
    found: dict[str, list[int]] = {}
    for row in passes.add_up(tables, summing).to_pylist():
        sums = found.setdefault(row["metadata_lang"], [0] * len(_NUMBERS))
        for place, name in enumerate(_NUMBERS):
            sums[place] += row[name]
    nothing = [0] * len(_NUMBERS)
    return [
        LanguageTotals(
            row.metadata_lang, row.t, row.tail_share, row.expected_pairs, *found.get(row.metadata_lang, nothing)
        )
        for row in thresholds
    ]


def _images_before(batches: Batches) -> Batches:
    for batch in batches:
        yield _rows(batch.column("metadata_lang"), image_id=batch.column("image_id"), before=_repeated(1, batch))


def _kept(batches: Batches) -> Batches:
    sums = OccurrenceSums()
    for batch in batches:
        yield _rows(batch.column("metadata_lang"), image_id=batch.column("image_id"), after=_repeated(1, batch))
        for language, rows in each_language(batch):
            sums.add(language, rows.column("entry_ids").flatten().to_numpy())
    for language, ids, kept in sums.found():
        yield _rows(pa.repeat(language, len(ids)), entry_id=pa.array(ids), after=pa.array(kept))


def _matches_before(batches: Batches) -> Batches:
    for batch in batches:
        hit = batch.filter(pc.greater(batch.column("count"), 0))
        yield _rows(hit.column("metadata_lang"), entry_id=hit.column("entry_id"), before=hit.column("count"))


def _rows(metadata_lang: pa.Array, **columns: pa.Array) -> pa.RecordBatch:
    """Returns rows of _ROWS, in which the columns that aren't given are of no image, no entry and no text."""
    empty = {"image_id": "", "entry_id": _NO_ENTRY, "before": 0, "after": 0}
    filled = {
        name: columns.get(name, pa.repeat(pa.scalar(value, _ROWS.field(name).type), len(metadata_lang)))
        for name, value in empty.items()
    }
    return pa.RecordBatch.from_arrays([metadata_lang, *filled.values()], schema=_ROWS)


def _repeated(value: int, batch: pa.RecordBatch) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.int64()), batch.num_rows)


def _totals_of(thresholds: Mapping[str, int]) -> Callable[[Batches], Batches]:
    """Returns a function from rows of _ROWS, each image and entry once, to totals of languages."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            for language, rows in each_language(batch):
                before, after = rows.column("before").to_numpy(), rows.column("after").to_numpy()
                is_image = rows.column("entry_id").to_numpy() == _NO_ENTRY
                # An entry's count is its texts before the draw.
                in_head = ~is_image & (before >= thresholds.get(language, 0))
                in_tail = ~is_image & ~in_head
                numbers: list[int] = []
                for texts in (before[is_image], after[is_image]):
                    numbers += [int(texts.sum()), int(np.count_nonzero(texts))]
                for texts in (before, after):
                    numbers += [int(texts[which].sum()) for which in (in_head, in_tail)]
                columns = [pa.array([language]), *(pa.array([number]) for number in numbers)]
                yield pa.RecordBatch.from_arrays(columns, schema=_TOTALS)

    return run
