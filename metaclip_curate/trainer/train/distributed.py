"""The processes of a training: one alone, or those that torchrun started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Processes:
    """This process among the others.

    Attributes:
        rank: Its number, from 0.
        ranks: Their number.
        device: Where it computes.
    """

    rank: int
    ranks: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def mean(self, *values: torch.Tensor | float) -> list[float]:
        """The means of all processes' values."""
        numbers = torch.stack([torch.as_tensor(value, device=self.device).double().detach() for value in values])
        if self.ranks > 1:
            dist.all_reduce(numbers)
        return [float(number) / self.ranks for number in numbers]

    def any(self, value: bool) -> bool:
        """Whether it is so in any process; all get the same answer."""
        return self.mean(float(value))[0] > 0

    def wait(self) -> None:
        """Waits for all others."""
        if self.ranks > 1:
            dist.barrier()


@contextlib.contextmanager
def processes(device: str = "") -> Iterator[Processes]:
    """Joins the processes that torchrun started, over NCCL where there are GPUs and gloo elsewhere.

    Args:
        device: cpu or cuda; empty: cuda where there is one.
    """
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    place = torch.device("cpu")
    if kind == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    if "WORLD_SIZE" not in os.environ:
        yield Processes(0, 1, place)
        return
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), place)
    finally:
        dist.destroy_process_group()
