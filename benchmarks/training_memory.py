"""Memory of each GPU by model, calculated; and one model's, measured on a CPU.

`python -m benchmarks.training_memory [--quick]`, in the trainer's environment. Models are made without their weights.
The measurement trains ViT-B-32 for two steps of two pairs in fp32 and takes the growth of the resident memory: weights,
gradients and AdamW's moments. `--quick` takes a tiny model.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import open_clip
import torch

from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.blocks import repeated_blocks
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.options import OptimizationOptions
from metaclip_curate.trainer.train.step import Learner

_MODELS = (
    "ViT-B-32-quickgelu",
    "ViT-B-16-quickgelu",
    "ViT-L-14-quickgelu",
    "ViT-H-14-quickgelu",
    "ViT-bigG-14-quickgelu",
    "ViT-H-14-worldwide-quickgelu",
    "ViT-bigG-14-worldwide",
)
_GIB = 2**30
_STATE = 16  # bytes a parameter: the weight, its gradient and AdamW's two moments, each fp32
_GATHERED = 8  # a weight and its gradient


def main(quick: bool = False) -> None:
    """Prints both.

    Args:
        quick: Whether to measure a tiny model.
    """
    logging.disable(logging.WARNING)
    print("\n  GiB of each GPU before activations, calculated\n")
    print(f"  {'':<30} {'parameters':>14} {'DDP':>6} {'FSDP, 8':>8} {'FSDP, 64':>9}")
    for name in _MODELS:
        parameters, fsdp = _calculated(name)
        of = (parameters * _STATE / _GIB, fsdp(8), fsdp(64))
        print(f"  {name:<30} {parameters:>14,} {of[0]:>6.1f} {of[1]:>8.1f} {of[2]:>9.1f}")
    name = "metaclip-curate-tiny" if quick else _MODELS[0]
    calculated, measured = _measured(name)
    print(f"\n  {name} on a CPU, resident MiB after two steps: calculated {calculated:,.0f}, measured {measured:,.0f}")


def _calculated(name: str) -> tuple[int, Callable[[int], float]]:
    """Returns the number of parameters, and a function from the number of GPUs to GiB with FSDP."""
    with torch.device("meta"):
        model = open_clip.create_model(name, device="meta")
    blocks = [sum(one.numel() for one in block.parameters()) for block in repeated_blocks(model)]
    parameters = sum(one.numel() for one in model.parameters())
    gathered = (parameters - sum(blocks) + 2 * max(blocks)) * _GATHERED
    return parameters, lambda gpus: (parameters * _STATE / gpus + gathered) / _GIB


def _measured(name: str) -> tuple[float, float]:
    """Returns the calculated and the measured MiB of a model that is trained by one process."""
    clip.known_name(name)
    torch.set_num_threads(1)
    torch.ones(64, 64) @ torch.ones(64, 64)  # the libraries' own memory doesn't count
    before = _resident()
    model = open_clip.create_model(name, output_dict=True)
    options = OptimizationOptions(batch_size=2, pairs_seen=2, warmup_pairs=0)
    learner = Learner(model, Distributed(0, 1, torch.device("cpu")), options, "fp32")
    size = model.visual.image_size
    images = torch.zeros(2, 3, *(size if isinstance(size, tuple) else (size, size)))
    tokens = torch.tensor([[49_406, 320, 49_407]]).repeat(2, 1)
    tokens = torch.nn.functional.pad(tokens, (0, model.context_length - 3))
    for _ in range(2):
        learner.step(images, tokens, 1e-6)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # gives back what activations took
    return sum(one.numel() for one in model.parameters()) * _STATE / 2**20, (_resident() - before) / 2**20


def _resident() -> int:
    """Returns this process's resident memory in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
