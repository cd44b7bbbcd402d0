"""Steps on tensors that are on the device already: ours beside open_clip's."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import open_clip
import torch
from torch import Tensor, nn

from benchmarks.gpu_parts.report import Report, free
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.blocks import compile_blocks
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.hardware import enable_fast_kernels, flops_of_pair
from metaclip_curate.trainer.train.options import OptimizationOptions, Precision
from metaclip_curate.trainer.train.precision import autocast
from metaclip_curate.trainer.train.step import Learner

TINY = "metaclip-curate-tiny"
Step = Callable[[Tensor, Tensor, float], Tensor]


@dataclass(frozen=True)
class Way:
    """One way to do a step.

    Attributes:
        what: Name of the way.
        precision: fp32, bf16 or fp16.
        bare: Whether it is open_clip's step.
        accumulate: Number of parts of a batch.
        compiled: Whether the blocks are compiled.
        checkpointed: Whether activations are computed twice.
    """

    what: str
    precision: Precision = "bf16"
    bare: bool = False
    accumulate: int = 1
    compiled: bool = False
    checkpointed: bool = False


def measure_steps(report: Report) -> None:
    """Measures ours and open_clip's in turns, then each option by itself."""
    cases = [(TINY, 32)] if report.quick else [("ViT-B-32-quickgelu", 1024), ("ViT-B-16-quickgelu", 512)]
    both = [Way("open_clip's step", bare=True), Way("ours")] * 2
    options = [
        Way("ours, fp16", "fp16"),
        Way("ours, fp32 with TF32", "fp32"),
        Way("ours, grad checkpointing", checkpointed=True),
        Way("ours, accumulate 4", accumulate=4),
        *([] if report.quick else [Way("ours, compiled", compiled=True)]),
    ]
    for name, batch in cases:
        for way in both + (options if name == cases[-1][0] else []):
            if not report.quick and report.left < (90 if way.compiled else 25):
                report.add("steps", model=name, what=way.what, skipped="no time left")
                continue
            _measure(report, "steps", name, batch, way)


def measure_huge(report: Report) -> None:
    """Measures MetaCLIP 2's ViT-H/14 with its vocabulary, at its authors' batch of 196 a GPU."""
    name, batch = (TINY, 4) if report.quick else ("ViT-H-14-worldwide-quickgelu", 196)
    try:
        _measure(report, "huge", name, batch, Way("ours", checkpointed=True))
    except torch.OutOfMemoryError as error:
        report.add("huge", model=name, batch=batch, out_of_memory=str(error).splitlines()[0][:200])


def compare_losses(report: Report) -> None:
    """Compares the losses of ours and open_clip's step on the same batches, beside two runs of open_clip's."""
    name, batch, steps = (TINY, 16, 4) if report.quick else ("ViT-B-32-quickgelu", 256, 16)
    for precision in ("fp32", "bf16", "fp16"):
        losses = []
        for bare in (True, True, False):
            model = make_model(name, report)
            images, tokens = make_tensors(model, batch * 4, report.device)
            step = _step(model, batch, Way("", precision, bare), report)
            parts = [(images[n * batch :][:batch], tokens[n * batch :][:batch]) for n in range(4)]
            losses.append([float(step(*parts[number % 4], 1e-4)) for number in range(steps)])
            del model, step, images, tokens
            free()
        between, ours = (max(abs(a - b) for a, b in zip(losses[0], losses[n], strict=True)) for n in (1, 2))
        report.add("agreement", model=name, precision=precision, ours=ours, two_runs_of_open_clip=between)


def _measure(report: Report, part: str, name: str, batch: int, way: Way) -> None:
    enable_fast_kernels()
    model = make_model(name, report)
    images, tokens = make_tensors(model, batch, report.device)
    flops = flops_of_pair(model, images, tokens)
    if way.checkpointed:
        model.set_grad_checkpointing()
    if way.compiled:
        compile_blocks(model)
    values = _timed(report, _step(model, batch, way, report), images, tokens)
    if report.peak and way.precision != "fp32":
        values["mfu"] = values["pairs_per_second"] * flops / report.peak
    report.add(part, model=name, what=way.what, precision=way.precision, batch=batch, **values)
    del model, images, tokens
    free()


def _timed(report: Report, step: Step, images: Tensor, tokens: Tensor) -> dict[str, Any]:
    """Returns the rate of a step after some that don't count, and the peak of memory."""
    cuda = report.device.type == "cuda"
    warm, steps = (1, 2) if report.quick else (4, 16)
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    for _ in range(warm):
        loss = step(images, tokens, 1e-5)
    float(loss)
    start = time.monotonic()
    for _ in range(steps):
        loss = step(images, tokens, 1e-5)
    queued = (time.monotonic() - start) / steps
    last = float(loss)  # waits for the device
    seconds = (time.monotonic() - start) / steps
    values = {"pairs_per_second": len(images) / seconds, "ms": seconds * 1000, "ms_to_queue": queued * 1000}
    values["loss"] = last
    if cuda:
        values["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
    return values


def make_model(name: str, report: Report) -> Any:
    """Makes a model with random weights, on the device, where that is faster."""
    torch.manual_seed(0)
    clip.known_name(TINY)
    with torch.device(report.device):
        return open_clip.create_model(name, output_dict=True).to(report.device)


def make_tensors(model: Any, batch: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Makes random images and tokens."""
    size = model.visual.image_size
    height, width = size if isinstance(size, tuple | list) else (size, size)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, 3, height, width, generator=generator)
    tokens = torch.randint(3, 40_000, (batch, model.context_length), generator=generator)
    tokens[:, -1] = 49_407 if model.vocab_size == 49_408 else 2  # the end of a text
    return images.to(device), tokens.to(device)


def _step(model: nn.Module, batch: int, way: Way, report: Report) -> Step:
    return bare_step(model, way.precision) if way.bare else _our_step(model, batch, way, report)


def _our_step(model: nn.Module, batch: int, way: Way, report: Report) -> Step:
    options = OptimizationOptions(batch_size=batch, pairs_seen=batch, warmup_pairs=0, accumulate=way.accumulate)
    learner = Learner(model, Distributed(0, 1, report.device), options, way.precision)
    return lambda images, tokens, rate: learner.step(images, tokens, rate).loss


def bare_step(model: Any, precision: Precision) -> Step:
    """Makes a step as open_clip_train does it, without anything around it."""
    device = next(model.parameters()).device.type
    parameters = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [one for one in parameters if one.ndim < 2], "weight_decay": 0.0},
            {"params": [one for one in parameters if one.ndim >= 2], "weight_decay": 0.2},
        ],
        betas=(0.9, 0.98),
        eps=1e-6,
    )
    loss_of = open_clip.ClipLoss(local_loss=True, gather_with_grad=True, cache_labels=True)
    scaler = torch.amp.GradScaler(device, enabled=precision == "fp16")
    model.train()

    def step(images: Tensor, tokens: Tensor, rate: float) -> Tensor:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        with autocast(device, precision) if precision != "fp32" else contextlib.nullcontext():
            loss: Tensor = loss_of(**model(images, tokens))
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        return loss.detach()

    return step
