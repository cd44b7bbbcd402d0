"""A moving average of the weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class WeightAverage:
    """The exponential moving average of a model's parameters.

    Args:
        model: The model, sharded or not.
        decay: Share of the average that each step keeps.

    Attributes:
        parameters: The average of each parameter, by its name.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model, self._decay = model, decay
        self.parameters: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average towards the present weights."""
        for name, parameter in self._model.named_parameters():
            self.parameters[name].lerp_(parameter.detach(), 1 - self._decay)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Gives the model the average weights within a block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self._model.named_parameters():
            kept = parameter.detach().clone()
            parameter.copy_(self.parameters[name])
            self.parameters[name].copy_(kept)
