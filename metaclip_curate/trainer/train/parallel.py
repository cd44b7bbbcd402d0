"""How a model is spread over the ranks: whole on each of them (DDP), or in parts (FSDP2)."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.nn.parallel import DistributedDataParallel

from metaclip_curate.trainer.train.blocks import repeated_blocks
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.options import Parallel

_OTHER_FORWARDS = ("encode_image", "encode_text")  # that evaluation calls


class ParallelModel:
    """A model that is trained by all ranks together.

    With DDP each rank has the whole model, its gradients and its optimizer's moments: 16 bytes for each parameter. With
    FSDP2 (`torch.distributed.fsdp.fully_shard`) each rank has its part of them, and the parameters of one block at a
    time are gathered. The logit scale and bias, which have no dimension, stay whole.

    Args:
        model: The model, on its device unless it is to be sharded.
        distributed: This process among those that train together.
        kind: ddp or fsdp. A single rank has the whole model either way.

    Attributes:
        model: The model itself.
        joined: The model to call for a forward pass with gradients.
        sharded: Whether the ranks hold parts of the model.
    """

    def __init__(self, model: nn.Module, distributed: Distributed, kind: Parallel = "ddp") -> None:
        self.model = self.joined = model
        self._world_size = distributed.world_size
        self.sharded = kind == "fsdp" and distributed.world_size > 1
        self._whole = [parameter for parameter in model.parameters() if parameter.ndim == 0] if self.sharded else []
        self._adds = self.sharded and _adds_for_mean(distributed)
        if self.sharded:
            _shard(model, distributed, set(self._whole))
        elif distributed.world_size > 1:
            devices = [distributed.device] if distributed.device.type == "cuda" else None
            self.joined = DistributedDataParallel(model, device_ids=devices, gradient_as_bucket_view=True)

    def no_sync(self) -> Any:
        """Makes a context in which gradients aren't exchanged, because a later part of the batch does it.

        Sharded gradients are exchanged after each part, since the whole ones of all blocks would fill the memory.
        """
        joined = isinstance(self.joined, DistributedDataParallel)
        return self.joined.no_sync() if joined else contextlib.nullcontext()

    def average_gradients(self) -> None:
        """Averages gradients that FSDP2 doesn't: those that aren't sharded, and all if gloo adds them."""
        for parameter in self._whole:
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)
                parameter.grad /= self._world_size
        if self._adds:
            whole = {id(parameter) for parameter in self._whole}
            for parameter in self.model.parameters():
                if parameter.grad is not None and id(parameter) not in whole:
                    parameter.grad /= self._world_size


def _adds_for_mean(distributed: Distributed) -> bool:
    """Returns whether the ranks' gradients are added where FSDP2 asks for their mean (pytorch/pytorch issue 162338).

    gloo does that without a word, at least in PyTorch 2.7.
    """
    if distributed.device.type != "cpu":
        return False
    mean = torch.empty(1)
    dist.reduce_scatter_tensor(mean, torch.ones(distributed.world_size), op=dist.ReduceOp.AVG)
    return float(mean) != 1


def _shard(model: nn.Module, distributed: Distributed, whole: set[nn.Parameter]) -> None:
    with torch.no_grad():
        for parameter in whole:
            parameter.data = parameter.data.to(distributed.device)
    mesh = init_device_mesh(distributed.device.type, (distributed.world_size,))
    for block in repeated_blocks(model):
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh, ignored_params=whole)
    assert isinstance(model, FSDPModule)
    for name in _OTHER_FORWARDS:
        if hasattr(model, name):
            register_fsdp_forward_method(model, name)
