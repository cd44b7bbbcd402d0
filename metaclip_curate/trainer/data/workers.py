"""Ranks, DataLoader workers, and the state of this process: its share of memory and of random numbers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch.utils.data import get_worker_info


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


def rank_and_world_size(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Returns rank and world size: the given ones, else those of torch.distributed, else 0 and 1.

    Raises:
        ValueError: There is no such rank.
    """
    initialised = torch.distributed.is_available() and torch.distributed.is_initialized()
    if rank is None:
        rank = torch.distributed.get_rank() if initialised else 0
    if world_size is None:
        world_size = torch.distributed.get_world_size() if initialised else 1
    if not 0 <= rank < world_size:
        raise ValueError(f"there is no rank {rank} of {world_size}")
    return rank, world_size


def worker_and_count() -> tuple[int, int]:
    """Returns the index of this DataLoader worker and the number of workers; 0 and 1 outside of a worker."""
    info = get_worker_info()
    return (info.id, info.num_workers) if info is not None else (0, 1)
