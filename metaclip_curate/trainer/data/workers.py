"""Ranks, DataLoader workers, and the state of this process: its share of memory and of random numbers."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import torch
from torch.utils.data import get_worker_info

from metaclip_curate.balance import Floats

# Adds an array of each rank, on all ranks.
AddUp = Callable[[Floats], Floats]


def shared_zeros(*shape: int) -> torch.Tensor:
    """Allocates zeros, int64, in memory that this process shares with its workers."""
    return torch.zeros(shape, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def torch_seed(seed: int) -> Iterator[None]:
    """Seeds torch's random numbers on the CPU within a block and restores their state afterwards.

    `torch.manual_seed` would also visit every kind of device, which takes as long as decoding a small image.
    """
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)


@dataclass(frozen=True)
class ProcessRank:
    """A process among those that read a data set together.

    Attributes:
        rank: Rank of the process.
        world_size: Number of ranks.
        add_up: Adds an array of each rank, so that a rank reads its share of the files only to count an epoch. Then all
            ranks must ask for the same epochs in the same order. Default: None, each rank counts all.

    Raises:
        ValueError: There is no such rank.
    """

    rank: int = 0
    world_size: int = 1
    add_up: AddUp | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"there is no rank {self.rank} of {self.world_size}")

    @classmethod
    def current(cls) -> ProcessRank:
        """Returns this process's rank in torch.distributed if that is initialised, else the only rank of one."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return cls(torch.distributed.get_rank(), torch.distributed.get_world_size())
        return cls()


def worker_and_count() -> tuple[int, int]:
    """Returns the index of this DataLoader worker and the number of workers; 0 and 1 outside of a worker."""
    info = get_worker_info()
    return (info.id, info.num_workers) if info is not None else (0, 1)


def outlive_signals(worker: int) -> None:
    """Lets a DataLoader worker outlive signals to its whole process group, after which the main process saves.

    PyTorch ends a worker at any SIGTERM that isn't from its parent. Here the first one is ignored; the second ends it,
    since its parent sends one too if it doesn't end by itself.

    Args:
        worker: Index of the worker.
    """
    signal.signal(signal.SIGTERM, _ignore_once)
    for name in ("SIGINT", "SIGUSR1"):
        signal.signal(signal.Signals[name], signal.SIG_IGN)


def _ignore_once(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
