"""The learning rate by the number of pairs seen."""

from __future__ import annotations

import math

from metaclip_curate.trainer.train.options import OptimizationOptions


def learning_rate(pairs_seen: int, options: OptimizationOptions) -> float:
    """Computes the learning rate of a step.

    After a linear warm-up it falls along a cosine to 0 (arXiv 1608.03983), or stays and falls along a line at the end
    (arXiv 2405.18392).

    Args:
        pairs_seen: Number of pairs seen before the step.
        options: Batch size, warm-up, number of pairs, highest rate and schedule.

    Returns:
        The rate. The step that completes the warm-up has the highest one.
    """
    if pairs_seen < options.warmup_pairs:
        return options.lr * min(1.0, (pairs_seen + options.batch_size) / options.warmup_pairs)
    if options.schedule == "constant":
        left = options.pairs_seen - pairs_seen
        return options.lr * (min(1.0, max(0.0, left / options.cooldown_pairs)) if options.cooldown_pairs else 1.0)
    after_warmup = max(1, options.pairs_seen - options.warmup_pairs)
    done = min(1.0, (pairs_seen - options.warmup_pairs) / after_warmup)
    return 0.5 * (1 + math.cos(math.pi * done)) * options.lr
