"""The norm of the gradients, clipping, and the scale of the loss for fp16."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

# As torch.amp.GradScaler.
_FIRST_SCALE, _GROWTH, _BACKOFF, _INTERVAL = 2.0**16, 2.0, 0.5, 2000


@dataclass(frozen=True)
class Gradients:
    """This rank's gradients.

    Attributes:
        shards: Parts of gradients, of which the other ranks have the other parts.
        whole: Gradients that all ranks have alike.
    """

    shards: list[Tensor]
    whole: list[Tensor]

    @property
    def tensors(self) -> list[Tensor]:
        """All of them."""
        return self.shards + self.whole

    @classmethod
    def of(cls, parameters: Iterable[nn.Parameter]) -> Gradients:
        """Returns the gradients of parameters."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        shards = [each.to_local() for each in gradients if isinstance(each, DTensor)]
        return cls([one for one in shards if one.numel()], [one for one in gradients if not isinstance(one, DTensor)])

    def norm(self) -> Tensor:
        """Computes the 2-norm of all gradients of all ranks together, on the device."""
        whole = _norm(self.whole)
        if not self.shards:
            return whole
        squared = _norm(self.shards).square()
        dist.all_reduce(squared)
        return (squared + whole.to(squared.device).square()).sqrt()


def _norm(tensors: Sequence[Tensor]) -> Tensor:
    norms = torch._foreach_norm(list(tensors))
    return torch.linalg.vector_norm(torch.stack(list(norms))) if norms else torch.zeros(())


def clip_factor(norm: Tensor, largest: float) -> Tensor:
    """Computes the factor that brings gradients of this norm to the largest allowed norm, at most 1."""
    # As torch.nn.utils.clip_grad_norm_.
    return torch.clamp(largest / (norm + 1e-6), max=1.0)


class LossScale:
    """The factor by which fp16's loss is multiplied, so that small gradients don't vanish.

    The rule is that of torch.amp.GradScaler, which would wait for the device in each step. Other precisions have the
    factor 1.

    Args:
        device: Device of the loss.
        enabled: Whether the precision is fp16.

    Attributes:
        enabled: Whether the precision is fp16.
    """

    def __init__(self, device: torch.device, enabled: bool) -> None:
        self.enabled = enabled
        self._scale = torch.full((), _FIRST_SCALE if enabled else 1.0, device=device)
        self._good_steps = torch.zeros((), device=device)

    def scaled(self, loss: Tensor) -> Tensor:
        """Multiplies a loss by the factor."""
        return loss * self._scale if self.enabled else loss

    def inverse(self) -> Tensor:
        """Returns the factor that undoes the scaling of gradients."""
        return 1.0 / self._scale

    def update(self, skipped: Tensor) -> None:
        """Halves the factor after a skipped step, and doubles it after 2,000 others.

        Args:
            skipped: 1.0 if the step was skipped, else 0.0.
        """
        if not self.enabled:
            return
        good_steps = (self._good_steps + 1) * (1 - skipped)
        grows = good_steps >= _INTERVAL
        factor = torch.where(grows, _GROWTH, 1.0) * torch.where(skipped > 0, _BACKOFF, 1.0)
        self._scale = self._scale * factor
        self._good_steps = torch.where(grows, torch.zeros_like(good_steps), good_steps)

    def state_dict(self) -> dict[str, Any]:
        """Returns the state under the names of torch.amp.GradScaler; empty for other precisions than fp16."""
        if not self.enabled:
            return {}
        return {"scale": float(self._scale), "_growth_tracker": int(self._good_steps)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes the state of a checkpoint."""
        if self.enabled and state:
            self._scale.fill_(state["scale"])
            self._good_steps.fill_(state["_growth_tracker"])
