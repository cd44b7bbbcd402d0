"""The learning rate by the number of pairs seen."""

from __future__ import annotations

import math

from metaclip_curate.trainer.train.options import OptimizationOptions


def learning_rate(pairs_seen: int, options: OptimizationOptions) -> float:
    """Computes the learning rate of a step: a linear warm-up, then a cosine down to 0 (arXiv 1608.03983).

    Args:
        pairs_seen: Number of pairs seen before the step.
        options: Batch size, warm-up, number of pairs and highest rate.

    Returns:
        The rate. The step that completes the warm-up has the highest one.
    """
    if pairs_seen < options.warmup_pairs:
        return options.lr * min(1.0, (pairs_seen + options.batch_size) / options.warmup_pairs)
    after_warmup = max(1, options.pairs_seen - options.warmup_pairs)
    done = min(1.0, (pairs_seen - options.warmup_pairs) / after_warmup)
    return 0.5 * (1 + math.cos(math.pi * done)) * options.lr
