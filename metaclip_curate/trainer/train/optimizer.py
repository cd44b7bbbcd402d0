"""AdamW, and a step of it that may be skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from metaclip_curate.trainer.train.options import OptimizationOptions


def adamw(model: nn.Module, options: OptimizationOptions, fused: bool = False) -> torch.optim.AdamW:
    """Makes AdamW, without weight decay for parameters of fewer than two dimensions: gains, biases, the logit scale.

    Args:
        model: The model.
        options: Rate, betas, epsilon and weight decay.
        fused: Whether one kernel does the whole step.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [parameter for parameter in trained if parameter.ndim < 2], "weight_decay": 0.0},
            {
                "params": [parameter for parameter in trained if parameter.ndim >= 2],
                "weight_decay": options.weight_decay,
            },
        ],
        lr=options.lr,
        betas=(options.beta1, options.beta2),
        eps=options.eps,
        fused=fused or None,
    )


def step_unless(skipped: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Does a step of the optimizer, or leaves weights and moments as they are.

    The fused step decides on the device, so that the host needn't wait for it.

    Args:
        skipped: 1.0 if the step is to be skipped, else 0.0.
        optimizer: The optimizer.
    """
    if any(group.get("fused") for group in optimizer.param_groups):
        # Where torch.amp.GradScaler puts it, for optimizers that take it.
        optimizer.found_inf = skipped  # type: ignore[attr-defined]
        optimizer.step()
    elif not bool(skipped):
        optimizer.step()


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Takes the state of a checkpoint, which may be from another kind of device.

    Args:
        optimizer: The optimizer, whose kernels it keeps.
        state: Its `state_dict()` in the checkpoint.
    """
    kernels = [{name: group.get(name) for name in ("fused", "foreach")} for group in optimizer.param_groups]
    groups = [group | kernel for group, kernel in zip(state["param_groups"], kernels, strict=True)]
    optimizer.load_state_dict({**state, "param_groups": groups})
