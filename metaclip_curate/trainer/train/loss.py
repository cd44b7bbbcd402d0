"""CLIP's contrastive loss over the batch of all ranks."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
from torch import Tensor

from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.options import LossRows

Loss = Callable[..., Tensor]


def clip_loss(distributed: Distributed, rows: LossRows) -> Loss:
    """Makes open_clip's loss over the features of all ranks.

    Features are gathered with their gradients. The mean of the ranks' gradients is therefore the gradient of one loss
    over the whole batch, whether a rank computes its own rows of it or all.

    Args:
        distributed: This process among those that train together.
        rows: Whether a rank computes the rows of its own pairs (local) or of all pairs (global).
    """
    loss: Loss = open_clip.ClipLoss(
        local_loss=rows == "local",
        gather_with_grad=True,
        rank=distributed.rank,
        world_size=distributed.world_size,
    )
    return loss
