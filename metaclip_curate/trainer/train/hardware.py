"""Settings of the GPU that speed up training, and what its use is measured by."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

# Dense bf16 and fp16 operations a second, from NVIDIA's data sheets.
_PEAKS = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "B200": 2250e12, "A100": 312e12, "L40S": 362e12}
_BACKWARD = 2  # a backward pass has twice the operations of the forward pass


def enable_fast_kernels() -> None:
    """Lets a GPU multiply fp32 matrices in TF32 and choose the fastest convolution; elsewhere it does nothing."""
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True


def peak_flops(name: str) -> float | None:
    """Returns the operations a second that a GPU can do in bf16; None if they aren't known.

    Args:
        name: Name of the GPU as CUDA gives it.
    """
    return next((peak for known, peak in _PEAKS.items() if all(word in name for word in known.split())), None)


def flops_of_pair(model: nn.Module, images: Tensor, tokens: Tensor) -> float:
    """Counts the floating-point operations of a pair, forward and backward, without what checkpointing repeats.

    Args:
        model: The model, before it is compiled or sharded.
        images: Input of one image or more on the model's device.
        tokens: Tokens of as many texts.
    """
    counter = FlopCounterMode(display=False)
    was_training = model.training
    model.train()  # in evaluation, whole blocks run in a kernel that isn't counted
    # The counter doesn't know every device's attention in one kernel.
    with counter, torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        model(images[:1], tokens[:1])
    model.train(was_training)
    return (1.0 + _BACKWARD) * float(counter.get_total_flops())


class DeviceUse:
    """Memory and model FLOPs utilization of this rank's GPU.

    Args:
        device: The device.
        flops: Floating-point operations of a pair.
    """

    def __init__(self, device: torch.device, flops: float) -> None:
        self._device, self._flops = device, flops
        self._peak = peak_flops(torch.cuda.get_device_name(device)) if device.type == "cuda" else None

    def metrics(self, pairs_per_second: float) -> dict[str, float]:
        """Returns the metrics since the last call; on a CPU there are none.

        Args:
            pairs_per_second: Number of pairs that this rank does in a second.
        """
        if self._device.type != "cuda":
            return {}
        values = {"peak_memory_gib": torch.cuda.max_memory_allocated(self._device) / 2**30}
        torch.cuda.reset_peak_memory_stats(self._device)
        if self._peak is not None:
            values["mfu"] = pairs_per_second * self._flops / self._peak
        return values
