"""Which process this is, and what is its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch.utils.data import get_worker_info


def shared(*shape: int) -> torch.Tensor:
    """Zeros, int64, that this process and its workers see alike."""
    return torch.zeros(shape, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def random_numbers_of(seed: int) -> Iterator[None]:
    """Lets torch's random numbers on the CPU begin anew for a while, and then go on where they were.

    `torch.manual_seed` would look at every kind of device, which takes as long as decoding a small picture.
    """
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)


def ranks_of(rank: int | None, ranks: int | None) -> tuple[int, int]:
    """This process's rank and the number of ranks: what is given, else torch.distributed's, else 0 of 1.

    Raises:
        ValueError: There is no such rank.
    """
    initialised = torch.distributed.is_available() and torch.distributed.is_initialized()
    mine = rank if rank is not None else torch.distributed.get_rank() if initialised else 0
    all_of_them = ranks if ranks is not None else torch.distributed.get_world_size() if initialised else 1
    if not 0 <= mine < all_of_them:
        raise ValueError(f"there is no rank {mine} of {all_of_them}")
    return mine, all_of_them


def worker() -> tuple[int, int]:
    """This worker of a DataLoader and their number; 0 of 1 outside of one."""
    info = get_worker_info()
    return (info.id, info.num_workers) if info is not None else (0, 1)
