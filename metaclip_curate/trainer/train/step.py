"""One training step: forward, backward with optional accumulation, and AdamW."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.ema import WeightAverage
from metaclip_curate.trainer.train.gradients import Gradients, LossScale, clip_factor
from metaclip_curate.trainer.train.loss import loss_function
from metaclip_curate.trainer.train.optimizer import adamw, step_unless
from metaclip_curate.trainer.train.options import OptimizationOptions, Parallel, Precision
from metaclip_curate.trainer.train.parallel import ParallelModel
from metaclip_curate.trainer.train.precision import autocast

# "Learning Transferable Visual Models From Natural Language Supervision" (arXiv 2103.00020), section 2.5
_HIGHEST_LOGIT_SCALE = math.log(100)


_OUTPUTS = ("image_features", "text_features", "logit_scale", "logit_bias")


@dataclass(frozen=True)
class StepResult:
    """What one step gave, on the device.

    Attributes:
        loss: This rank's loss.
        norm: Norm of the gradients of all ranks before clipping.
        flags: Whether the step was skipped on all ranks, and the largest code of a stop, shape (2,).
    """

    loss: Tensor
    norm: Tensor
    flags: Tensor


class Learner:
    """A model with its optimizer and loss.

    Args:
        model: The model, on its device.
        distributed: This process among those that train together.
        options: Options of the optimization.
        precision: Precision of forward and backward.
        parallel: Whether each rank holds the whole model or a part of it.

    Attributes:
        model: The model itself, without DistributedDataParallel.
        parallel: The model spread over the ranks.
        average: Moving average of the weights; None without `--ema`.
        optimizer: Its optimizer.
        scaler: Scale of the loss, which only fp16 needs.
    """

    def __init__(
        self,
        model: nn.Module,
        distributed: Distributed,
        options: OptimizationOptions,
        precision: Precision,
        parallel: Parallel = "ddp",
    ) -> None:
        self.model, self._options = model, options
        self.parallel = ParallelModel(model, distributed, parallel)
        self._distributed = distributed
        self._device, self._precision = distributed.device.type, precision
        self._loss = loss_function(options.loss, distributed, options.loss_rows)
        fused = self._device == "cuda" and not self.parallel.sharded
        self.optimizer = adamw(model, options, fused)
        self.scaler = LossScale(distributed.device, precision == "fp16")
        self.average = WeightAverage(model, options.ema) if options.ema else None

    def step(self, images: Tensor, tokens: Tensor, rate: float, stop: int = 0) -> StepResult:
        """Does one step. If the loss or a gradient of any rank isn't finite, no rank changes its weights.

        Args:
            images: This rank's images, shape (batch, 3, height, width), on the device.
            tokens: This rank's tokens, shape (batch, context length), on the device.
            rate: The learning rate.
            stop: Code of a reason to stop, which all ranks learn in the same exchange as whether the step is skipped.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(images, tokens)
        self.parallel.average_gradients()
        gradients = Gradients.of(self.model.parameters())
        norm = gradients.norm() * self.scaler.inverse()
        bad = ~(torch.isfinite(loss) & torch.isfinite(norm))
        asked = torch.full((), float(stop), device=loss.device)
        flags = self._distributed.largest(torch.stack([bad.float(), asked]))
        self._scale_gradients(gradients.tensors, norm)
        step_unless(flags[0], self.optimizer)
        self.scaler.update(flags[0])
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, _HIGHEST_LOGIT_SCALE)
        if self.average is not None:
            self.average.update()
        return StepResult(loss, norm, flags)

    def _scale_gradients(self, gradients: list[Tensor], norm: Tensor) -> None:
        """Clips the gradients and undoes the scaling of the loss, if there is any of the two."""
        factor = self.scaler.inverse() if self.scaler.enabled else None
        if self._options.clip_norm:
            clip = clip_factor(norm, self._options.clip_norm)
            factor = clip if factor is None else clip * factor
        if factor is not None:
            torch._foreach_mul_(gradients, factor)

    def _backward(self, images: Tensor, tokens: Tensor) -> Tensor:
        parts = self._options.accumulate
        if parts == 1:
            with self._autocast():
                loss = self._loss(**_features(self.parallel.joined(images, tokens)))
            self.scaler.scaled(loss).backward()
            return loss.detach()
        # The loss needs the features of the whole batch at once, but activations of one part at a time are enough: all
        # features are computed without gradients first, then those of each part again with gradients.
        split = list(zip(images.chunk(parts), tokens.chunk(parts), strict=True))
        with torch.no_grad(), self._autocast():
            outputs = [_features(self.model(*part)) for part in split]
        for index, part in enumerate(split):
            is_last = index == parts - 1
            with contextlib.nullcontext() if is_last else self.parallel.no_sync():
                with self._autocast():
                    loss = self._loss(
                        **_with_gradients(outputs, index, _features(self.parallel.joined(*part)), is_last)
                    )
                self.scaler.scaled(loss).backward()
        return loss.detach()

    def _autocast(self) -> Any:
        return autocast(self._device, self._precision)


def _features(output: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Keeps what the losses take of a model's output."""
    return {name: output[name] for name in _OUTPUTS if name in output}


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
