"""Distributed training: the processes that torchrun started, or a single one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Distributed:
    """This process among those that train together.

    Attributes:
        rank: Rank of this process, from 0.
        world_size: Number of processes.
        device: Device of this process.
    """

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Whether this is rank 0, which writes files and prints."""
        return self.rank == 0

    def mean(self, *values: torch.Tensor | float) -> list[float]:
        """Averages values over all ranks."""
        numbers = torch.stack([torch.as_tensor(value, device=self.device).double().detach() for value in values])
        if self.world_size > 1:
            dist.all_reduce(numbers)
        return [float(number) / self.world_size for number in numbers]

    def barrier(self) -> None:
        """Waits for all other ranks."""
        if self.world_size > 1:
            dist.barrier()


@contextlib.contextmanager
def init_distributed(device: str = "") -> Iterator[Distributed]:
    """Joins the process group of torchrun: NCCL for GPUs, gloo for CPUs. Without torchrun, this process is alone.

    Args:
        device: cpu or cuda. Default: cuda if it is available.
    """
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    local = torch.device("cpu")
    if kind == "cuda":
        local = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(local)
    if "WORLD_SIZE" not in os.environ:
        yield Distributed(0, 1, local)
        return
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield Distributed(dist.get_rank(), dist.get_world_size(), local)
    finally:
        dist.destroy_process_group()
