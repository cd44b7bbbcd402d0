"""The losses, over the batch of all ranks: CLIP's and SigLIP's."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
from open_clip.loss import SigLipLoss
from torch import Tensor, nn

from metaclip_curate.errors import UserError
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.options import LossName, LossRows

Loss = Callable[..., Tensor]
_KINDS = (open_clip.CLIP, open_clip.CustomTextCLIP)


def loss_function(name: LossName, distributed: Distributed, rows: LossRows) -> Loss:
    """Makes open_clip's loss over the features of all ranks.

    The mean of the ranks' gradients is the gradient of one loss over the whole batch. CLIP's loss gathers the features
    of all ranks with their gradients, whether a rank computes its own rows of it or all. SigLIP's passes the texts from
    rank to rank and compares those of one rank at a time, so that no rank holds all of them.

    Args:
        name: clip or siglip.
        distributed: This process among those that train together.
        rows: Whether a rank computes the rows of its own pairs (local) or of all pairs (global) of CLIP's loss.
    """
    where = {"rank": distributed.rank, "world_size": distributed.world_size}
    if name == "siglip":
        siglip: Loss = SigLipLoss(**where)
        return siglip
    clip: Loss = open_clip.ClipLoss(local_loss=rows == "local", gather_with_grad=True, **where)
    return clip


def check_loss(model: nn.Module, name: str, loss: LossName) -> None:
    """Checks that a model is trained with its own loss.

    Args:
        model: The model.
        name: Name of the model.
        loss: Name of the loss.

    Raises:
        UserError: The model has another loss.
    """
    if not isinstance(model, _KINDS):
        raise UserError(
            f"{name} is a {type(model).__name__}, which needs another loss than CLIP's and SigLIP's: choose a model of "
            "open_clip's classes CLIP or CustomTextCLIP"
        )
    has_bias = getattr(model, "logit_bias", None) is not None
    if has_bias and loss == "clip":
        raise UserError(f"{name} has a logit bias, which only SigLIP's loss trains: give --loss siglip")
    if loss == "siglip" and not has_bias:
        raise UserError(f"{name} has no logit bias, which SigLIP's loss needs: give --loss clip, or leave --pretrained")
