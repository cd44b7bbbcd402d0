"""The learning rate, by the number of pairs that were seen."""

from __future__ import annotations

import math

from metaclip_curate.trainer.train.options import OptimizationOptions


def learning_rate(seen: int, options: OptimizationOptions) -> float:
    """The learning rate of a step: a straight rise over the warm-up, then a cosine down to 0 (arXiv 1608.03983).

    Args:
        seen: Pairs that were seen before the step.
        options: Batch size, warm-up, length and highest rate.

    Returns:
        The rate. The step that completes the warm-up has the highest one.
    """
    if seen < options.warmup_pairs:
        return options.lr * min(1.0, (seen + options.batch_size) / options.warmup_pairs)
    left = max(1, options.pairs_seen - options.warmup_pairs)
    done = min(1.0, (seen - options.warmup_pairs) / left)
    return 0.5 * (1 + math.cos(math.pi * done)) * options.lr
