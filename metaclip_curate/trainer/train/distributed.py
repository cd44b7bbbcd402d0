"""Distributed training: the processes that torchrun or Slurm started, or a single one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist

from metaclip_curate.errors import JobFailedError, UserError

_Result = TypeVar("_Result")
# Of a collective. Rank 0 may evaluate, or sort a manifest, for as long.
_TIMEOUT = timedelta(hours=2)
_ERRORS: dict[str, type[Exception]] = {"UserError": UserError, "JobFailedError": JobFailedError}


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

    def largest(self, values: torch.Tensor) -> torch.Tensor:
        """Replaces each value by the largest of all ranks, on the device and without waiting for it there."""
        if self.world_size > 1:
            dist.all_reduce(values, dist.ReduceOp.MAX)
        return values

    def add_up(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Adds an array of each rank, on all ranks."""
        if self.world_size == 1:
            return values
        total = torch.from_numpy(values).to(self.device)
        dist.all_reduce(total)
        added: npt.NDArray[np.float64] = total.cpu().numpy()
        return added

    def on_main(self, function: Callable[[], _Result]) -> _Result:
        """Calls a function on rank 0 and returns its result on all ranks.

        Raises:
            UserError: The function raised it; it is raised on all ranks.
            JobFailedError: The same.
        """
        if self.world_size == 1:
            return function()
        outcome: list[Any] = [None, None]
        if self.is_main:
            try:
                outcome[1] = function()
            except (UserError, JobFailedError) as error:
                outcome = [type(error).__name__, str(error)]
        dist.broadcast_object_list(outcome)
        if outcome[0] is not None:
            raise _ERRORS[outcome[0]](outcome[1])
        return cast("_Result", outcome[1])

    def gather(self, value: _Result) -> list[_Result]:
        """Collects a value of each rank, on all ranks."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def check_same(self, values: Mapping[str, Any]) -> None:
        """Checks that all ranks have the same values.

        Args:
            values: Values by what a message calls them.

        Raises:
            UserError: A rank has another value than rank 0; it is raised on all ranks.
        """
        of_ranks = self.gather(dict(values))
        for rank, of_rank in enumerate(of_ranks):
            for name, value in of_ranks[0].items():
                if of_rank[name] != value:
                    raise UserError(
                        f"rank {rank} has {name} {of_rank[name]}, rank 0 has {value}: start all ranks with the same "
                        "command, on folders that all of them share"
                    )

    def barrier(self) -> None:
        """Waits for all other ranks."""
        if self.world_size > 1:
            dist.barrier()


@contextlib.contextmanager
def init_distributed(device: str = "") -> Iterator[Distributed]:
    """Joins the process group that RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT describe.

    The backend is NCCL for GPUs and gloo for CPUs. Without WORLD_SIZE this process is alone.

    Args:
        device: cpu or cuda. Default: cuda if it is available.

    Raises:
        UserError: PyTorch finds no GPU for this rank.
    """
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    local = torch.device("cpu")
    if kind == "cuda":
        local = torch.device("cuda", _local_rank())
        torch.cuda.set_device(local)
    if "WORLD_SIZE" not in os.environ:
        yield Distributed(0, 1, local)
        return
    # gloo for objects and for checkpoints that are written while the GPUs compute.
    dist.init_process_group("cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo", timeout=_TIMEOUT)
    yield Distributed(dist.get_rank(), dist.get_world_size(), local)
    # After an exception the other ranks may have ended, and this would wait for them.
    dist.destroy_process_group()


def _local_rank() -> int:
    """Returns the number of this rank's GPU on its machine."""
    rank, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if not gpus:
        raise UserError("--device cuda needs a GPU, and PyTorch finds none: look at torch.cuda.is_available()")
    if rank >= gpus:
        raise UserError(
            f"LOCAL_RANK is {rank}, and PyTorch finds {gpus} {'GPUs' if gpus > 1 else 'GPU'}: start as many ranks on a "
            "machine as it has GPUs"
        )
    return rank
