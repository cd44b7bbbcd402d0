"""Examples of the pairs that screens rejected, and the hosts of their images, from a sample of each reason."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from metaclip_curate.report.facts import RejectedReason, SampledPair
from metaclip_curate.schemas import SCREENED
from metaclip_curate.screens.reasons import REASON_NAMES, VEILED_REASONS
from metaclip_curate.stages.report.sampling import (
    SAMPLED,
    SAMPLED_FROM,
    Sampled,
    first_by_hash,
    sampled_pair,
    sampled_rows,
    sampling_cut,
    sampling_hashes,
)
from metaclip_curate.stages.shared.passes import Batches, Pass, Passes, Table

# Pairs of a reason whose hosts are counted, and those that are shown.
_SAMPLE, _EXAMPLES, _HOSTS = 100, 10, 5
HIDDEN = "(hidden)"
_ROWS = pa.schema([SAMPLED.field("uid"), SCREENED.field("reason"), SAMPLED.field("hash")])


def rejected_reasons(
    passes: tuple[Passes, Passes], tables: tuple[Table, Table], counts: Mapping[str, int], safe: bool
) -> tuple[RejectedReason, ...]:
    """Samples the rejected pairs of each reason.

    Args:
        passes: Make the passes over each of the tables; those over the texts pass over what was taken down.
        tables: The rejected pairs, and a table with their texts, which may be the same.
        counts: Number of rejected pairs by reason.
        safe: Whether texts are left out.

    Returns:
        An item for each reason, in the order of the counts.
    """
    if not counts:
        return ()
    (screened, with_texts), (of_screened, of_texts) = tables, passes
    cuts = {reason: sampling_cut(_SAMPLE, pairs) for reason, pairs in counts.items()}
    rows: list[Sampled] = of_screened.gather(Pass(screened, ("uid", "reason"), _below(cuts), _ROWS)).to_pylist()
    chosen = {reason: first_by_hash([row for row in rows if row["reason"] == reason], _SAMPLE) for reason in counts}
    uids = pa.array(sorted(row["uid"] for of_reason in chosen.values() for row in of_reason), pa.string())
    found = of_texts.gather(Pass(with_texts, SAMPLED_FROM, _among(uids), SAMPLED)).to_pylist()
    pairs = {row["uid"]: sampled_pair(row, "rejected") for row in found}
    return tuple(
        _reason(reason, counts[reason], [pairs[row["uid"]] for row in of_reason if row["uid"] in pairs], safe)
        for reason, of_reason in chosen.items()
    )


def _below(cuts: Mapping[str, int]) -> Callable[[Batches], Batches]:
    """Returns a function from rejected pairs to those whose hash is below the cut of their reason."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            uids, reasons = batch.column("uid"), batch.column("reason").dictionary_encode()
            limits = pa.array([cuts.get(reason, -1) for reason in reasons.dictionary.to_pylist()], pa.int64())
            hashes = pa.array(sampling_hashes(uids, "screened"))
            rows = pa.RecordBatch.from_arrays([uids, batch.column("reason"), hashes], schema=_ROWS)
            yield rows.filter(pc.less_equal(hashes, limits.take(reasons.indices)))

    return run


def _among(uids: pa.Array) -> Callable[[Batches], Batches]:
    """Returns a function from pairs to those that have one of some uids."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            rows = batch.filter(pc.is_in(batch.column("uid"), value_set=uids))
            yield sampled_rows(rows, sampling_hashes(rows.column("uid"), "screened"))

    return run


def without_text(pair: SampledPair) -> SampledPair:
    """Returns a pair whose text isn't shown."""
    return dataclasses.replace(pair, text=HIDDEN)


def _reason(reason: str, number: int, sample: list[SampledPair], safe: bool) -> RejectedReason:
    hosts = Counter(pair.host for pair in sample)
    largest = sorted(hosts.items(), key=lambda each: (-each[1], each[0]))[:_HOSTS]
    shown = sample[:_EXAMPLES]
    return RejectedReason(
        reason=reason,
        name=REASON_NAMES[reason],
        pairs=number,
        hosts=tuple(host for host, _ in largest),
        examples=tuple(map(without_text, shown)) if safe else tuple(shown),
        blurred=reason in VEILED_REASONS and not safe,
    )
