"""Mixed precision: autocast."""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from metaclip_curate.trainer.train.options import Precision

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(device: str, precision: Precision) -> Any:
    """Makes a context in which operations run in bf16 or fp16; with fp32 it does nothing.

    Args:
        device: Type of the device: cpu or cuda.
        precision: Precision of the operations; weights stay fp32.
    """
    kind = _TYPES.get(precision)
    return contextlib.nullcontext() if kind is None else torch.autocast(device, dtype=kind)
