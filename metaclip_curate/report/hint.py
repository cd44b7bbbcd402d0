"""A sentence about a t that thins next to nothing."""

from __future__ import annotations

from dataclasses import dataclass

from metaclip_curate.report.facts import Curation, TriedT

# Above this share of the matched pairs a report says that little was balanced, and up to which one another t thins.
_NEARLY_ALL, _THINNED = 0.9, 0.75


@dataclass(frozen=True)
class ThinningHint:
    """A t that would thin the head.

    Attributes:
        share: Share of the matched pairs that the run's own t is expected to keep.
        label: The other t, `t = 3`.
        position: The same as a number.
        pairs: Number of pairs that it is expected to keep.
        other_share: The same as a share of the matched pairs.
    """

    share: float
    label: str
    position: float
    pairs: float
    other_share: float


def thinning_hint(curation: Curation) -> ThinningHint | None:
    """Returns the largest tried t that keeps at most three quarters of the pairs, if the run's own keeps nearly all.

    Args:
        curation: The finished run, whose largest tried t keeps all matched pairs that draw.

    Returns:
        The hint, with the smallest t if each keeps more; None if the run's t thins the head, or no smaller t was tried.
    """
    expected = [_pairs(tried) for tried in curation.tried]
    matched = max(expected)
    chosen = curation.tried.index(curation.chosen)
    if not matched or expected[chosen] <= _NEARLY_ALL * matched or chosen == 0:
        return None
    thinning = [stop for stop in range(chosen) if expected[stop] <= _THINNED * matched]
    stop = max(thinning, default=0)
    other, pairs = curation.tried[stop], expected[stop]
    return ThinningHint(expected[chosen] / matched, other.label, other.position, pairs, pairs / matched)


def _pairs(tried: TriedT) -> float:
    return sum(tried.expected.values())
