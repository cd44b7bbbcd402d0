"""What DDP is asked for shows in the gradients it leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from torch import nn

from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.parallel import ParallelModel


@pytest.fixture
def a_group() -> Iterator[None]:
    """A process group of one rank, which takes itself for one of two."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_gradients_lie_in_the_memory_from_which_ranks_exchange_them(a_group: None) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    parallel = ParallelModel(model, Distributed(0, 2, torch.device("cpu")))
    for _ in range(2):
        model.zero_grad(set_to_none=True)  # as in a step of the training
        parallel.joined(torch.ones(1, 3)).sum().backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        # A bucket has all four; a copy of each would double the memory of the gradients.
        assert len({each.untyped_storage().data_ptr() for each in gradients if each is not None}) == 1
