"""One step of learning: CLIP's contrastive loss over the batch of all ranks, its gradients, and AdamW."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import open_clip
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from metaclip_curate.trainer.train.distributed import Processes
from metaclip_curate.trainer.train.options import OptimizationOptions, Precision

_HIGHEST_LOGIT_SCALE = math.log(100)  # "Learning Transferable Visual Models From Natural Language Supervision", 2.5
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}

Loss = Callable[..., Tensor]


def clip_loss(processes: Processes, options: OptimizationOptions) -> Loss:
    """open_clip's loss over the features of all ranks.

    Features are gathered with their gradients, so that the mean of the ranks' gradients is the gradient of one loss
    over the whole batch, whether a rank computes its rows of it or all.
    """
    loss: Loss = open_clip.ClipLoss(
        local_loss=options.loss_rows == "local",
        gather_with_grad=True,
        rank=processes.rank,
        world_size=processes.ranks,
    )
    return loss


def adamw(model: nn.Module, options: OptimizationOptions) -> torch.optim.AdamW:
    """AdamW, whose weight decay leaves out gains, biases and the logit scale: what has fewer than two dimensions."""
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [one for one in learned if one.ndim < 2], "weight_decay": 0.0},
            {"params": [one for one in learned if one.ndim >= 2], "weight_decay": options.weight_decay},
        ],
        lr=options.lr,
        betas=(options.beta1, options.beta2),
        eps=options.eps,
    )


class Learner:
    """A model and the optimizer that changes it.

    Args:
        model: The model, on its device.
        processes: This process among those that train it together.
        options: How it learns.
        precision: What it computes with.

    Attributes:
        model: The model itself, without what joins the ranks.
        optimizer: Its optimizer.
        scaler: Scales the loss of fp16; does nothing for others.
    """

    def __init__(
        self, model: nn.Module, processes: Processes, options: OptimizationOptions, precision: Precision
    ) -> None:
        self.model, self._options = model, options
        self._joined: nn.Module = model
        if processes.ranks > 1:
            devices = [processes.device] if processes.device.type == "cuda" else None
            self._joined = DistributedDataParallel(model, device_ids=devices)
        self._device, self._type = processes.device.type, _TYPES.get(precision)
        self._loss = clip_loss(processes, options)
        self.optimizer = adamw(model, options)
        self.scaler = torch.amp.GradScaler(self._device, enabled=precision == "fp16")

    def learn(self, images: Tensor, tokens: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """Does one step.

        Args:
            images: This rank's, shape (batch, 3, height, width), on the device.
            tokens: This rank's, shape (batch, context length), on the device.
            rate: The learning rate.

        Returns:
            This rank's loss, and the norm of the gradients before it is limited.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._joined.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._gradients(images, tokens)
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self._options.clip_norm or math.inf)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, _HIGHEST_LOGIT_SCALE)
        return loss, norm

    def _gradients(self, images: Tensor, tokens: Tensor) -> Tensor:
        parts = self._options.accumulate
        if parts == 1:
            with self._lower_precision():
                loss = self._loss(**self._joined(images, tokens))
            self.scaler.scale(loss).backward()
            return loss.detach()
        # The loss needs the whole batch at once, activations don't: all features are computed without gradients, then
        # each part again with gradients, among the features of the others.
        split = list(zip(images.chunk(parts), tokens.chunk(parts), strict=True))
        with torch.no_grad(), self._lower_precision():
            outputs = [self.model(*part) for part in split]
        for number, part in enumerate(split):
            last = number == parts - 1
            with self._without_exchange(not last):
                with self._lower_precision():
                    loss = self._loss(**_among(outputs, number, self._joined(*part), last))
                self.scaler.scale(loss).backward()
        return loss.detach()

    def _lower_precision(self) -> Any:
        if self._type is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device, dtype=self._type)

    def _without_exchange(self, wanted: bool) -> Any:
        joined = isinstance(self._joined, DistributedDataParallel)
        return self._joined.no_sync() if joined and wanted else contextlib.nullcontext()


def _among(outputs: list[dict[str, Tensor]], number: int, live: dict[str, Tensor], last: bool) -> dict[str, Tensor]:
    """The loss's input with one part's features live. The logit scale gets its gradient once, with the last part."""
    joined = {}
    for name, value in live.items():
        if value.ndim < 2:
            joined[name] = value if last else value.detach()
        else:
            cached = [output[name] for output in outputs]
            joined[name] = torch.cat([*cached[:number], value, *cached[number + 1 :]])
    return joined
