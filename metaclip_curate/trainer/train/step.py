"""One training step: forward, backward with optional accumulation, and AdamW."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.loss import clip_loss
from metaclip_curate.trainer.train.options import OptimizationOptions, Precision
from metaclip_curate.trainer.train.precision import autocast, grad_scaler

# "Learning Transferable Visual Models From Natural Language Supervision" (arXiv 2103.00020), section 2.5
_HIGHEST_LOGIT_SCALE = math.log(100)


def adamw(model: nn.Module, options: OptimizationOptions) -> torch.optim.AdamW:
    """Makes AdamW, without weight decay for parameters of fewer than two dimensions: gains, biases, the logit scale."""
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
    )


class Learner:
    """A model with its optimizer and loss.

    Args:
        model: The model, on its device.
        distributed: This process among those that train together.
        options: Options of the optimization.
        precision: Precision of forward and backward.

    Attributes:
        model: The model itself, without DistributedDataParallel.
        optimizer: Its optimizer.
        scaler: Scaler of the loss, which only fp16 needs.
    """

    def __init__(
        self, model: nn.Module, distributed: Distributed, options: OptimizationOptions, precision: Precision
    ) -> None:
        self.model, self._options = model, options
        self._parallel: nn.Module = model
        if distributed.world_size > 1:
            devices = [distributed.device] if distributed.device.type == "cuda" else None
            self._parallel = DistributedDataParallel(model, device_ids=devices)
        self._device, self._precision = distributed.device.type, precision
        self._loss = clip_loss(distributed, options.loss_rows)
        self.optimizer = adamw(model, options)
        self.scaler = grad_scaler(self._device, precision)

    def step(self, images: Tensor, tokens: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """Does one step.

        Args:
            images: This rank's images, shape (batch, 3, height, width), on the device.
            tokens: This rank's tokens, shape (batch, context length), on the device.
            rate: The learning rate.

        Returns:
            This rank's loss, and the norm of the gradients before clipping.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._parallel.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(images, tokens)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self._options.clip_norm or math.inf)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, _HIGHEST_LOGIT_SCALE)
        return loss, norm

    def _backward(self, images: Tensor, tokens: Tensor) -> Tensor:
        parts = self._options.accumulate
        if parts == 1:
            with self._autocast():
                loss = self._loss(**self._parallel(images, tokens))
            self.scaler.scale(loss).backward()
            return loss.detach()
        # The loss needs the features of the whole batch at once, but activations of one part at a time are enough: all
        # features are computed without gradients first, then those of each part again with gradients.
        split = list(zip(images.chunk(parts), tokens.chunk(parts), strict=True))
        with torch.no_grad(), self._autocast():
            outputs = [self.model(*part) for part in split]
        for index, part in enumerate(split):
            is_last = index == parts - 1
            with contextlib.nullcontext() if is_last else self._no_sync():
                with self._autocast():
                    loss = self._loss(**_with_gradients(outputs, index, self._parallel(*part), is_last))
                self.scaler.scale(loss).backward()
        return loss.detach()

    def _autocast(self) -> Any:
        return autocast(self._device, self._precision)

    def _no_sync(self) -> Any:
        parallel = isinstance(self._parallel, DistributedDataParallel)
        return self._parallel.no_sync() if parallel else contextlib.nullcontext()


def _with_gradients(
    outputs: list[dict[str, Tensor]], index: int, part: dict[str, Tensor], is_last: bool
) -> dict[str, Tensor]:
    """Puts the features of one part of the batch, which carry gradients, among those of its other parts.

    The logit scale carries gradients with the last part only, so that they are counted once.
    """
    joined = {}
    for name, value in part.items():
        if value.ndim < 2:
            joined[name] = value if is_last else value.detach()
        else:
            cached = [output[name] for output in outputs]
            joined[name] = torch.cat([*cached[:index], value, *cached[index + 1 :]])
    return joined
