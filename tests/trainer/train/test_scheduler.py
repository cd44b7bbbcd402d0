"""The learning rate by pairs seen."""

from __future__ import annotations

import pytest

from metaclip_curate.trainer.train.options import OptimizationOptions
from metaclip_curate.trainer.train.scheduler import learning_rate

_OPTIONS = OptimizationOptions(batch_size=10, pairs_seen=1000, warmup_pairs=200, lr=0.5)


@pytest.mark.parametrize(
    ("seen", "rate"),
    [(0, 0.025), (100, 0.275), (190, 0.5), (200, 0.5), (400, 0.5 * 0.8535533906), (600, 0.25), (1000, 0.0)],
)
def test_rate(seen: int, rate: float) -> None:
    assert learning_rate(seen, _OPTIONS) == pytest.approx(rate, abs=1e-9)


def test_the_same_pairs_the_same_rate_whatever_the_batch() -> None:
    doubled = OptimizationOptions(batch_size=20, pairs_seen=1000, warmup_pairs=200, lr=0.5)
    assert learning_rate(500, doubled) == learning_rate(500, _OPTIONS)


def test_without_warm_up() -> None:
    assert learning_rate(0, OptimizationOptions(batch_size=10, pairs_seen=1000, warmup_pairs=0, lr=0.5)) == 0.5


@pytest.mark.parametrize(("seen", "rate"), [(0, 0.025), (200, 0.5), (700, 0.5), (800, 0.25), (900, 0.0)])
def test_a_constant_rate_with_a_cooldown(seen: int, rate: float) -> None:
    options = OptimizationOptions(
        batch_size=10, pairs_seen=900, warmup_pairs=200, lr=0.5, schedule="constant", cooldown_pairs=200
    )
    assert learning_rate(seen, options) == pytest.approx(rate)


def test_a_constant_rate() -> None:
    options = OptimizationOptions(batch_size=10, pairs_seen=900, warmup_pairs=200, lr=0.5, schedule="constant")
    assert learning_rate(890, options) == 0.5
