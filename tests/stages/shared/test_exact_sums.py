"""Sums are exact, and nothing overflows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from metaclip_curate.stages.shared.exact_sums import ExactSums, rounded_sum


def test_sums_are_exact_and_carry() -> None:
    sums = ExactSums(candidates=1, slots=3)
    third = np.full((1, 3000), 1 / 3)
    slots = np.array([0, 1, -1] * 1000)
    for _ in range(40):
        sums.add(slots, third)
    assert (sums.low < 2**32).all()
    exact = Fraction(round(Fraction(1 / 3) * 2**53), 2**53) * 40_000
    for slot in range(3):
        high, low = int(sums.high[0, slot]), int(sums.low[0, slot])
        assert Fraction((high << 32) + low, 2**53) == exact
        assert rounded_sum(high, low) == float(exact)
