"""Operations of a pair, the peaks of GPUs, and the blocks that are compiled."""

from __future__ import annotations

from pathlib import Path

import open_clip
import pytest
import torch

from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.blocks import repeated_blocks
from metaclip_curate.trainer.train.hardware import DeviceUse, enable_fast_kernels, flops_of_pair, peak_flops
from tests.support import trainings


def test_the_operations_of_a_pair() -> None:
    model = clip.create("metaclip-curate-tiny").model
    tokens = torch.zeros(1, 32, dtype=torch.int64)
    # A block of width d on s positions has 24 s d^2 operations in its matrices and 4 s^2 d in attention.
    blocks = sum(2 * (24 * positions * 64**2 + 4 * positions**2 * 64) for positions in (17, 32))
    rest = 2 * 16 * 3 * 64 * 64 + 2 * 2 * 64 * 64  # patches and projections
    assert flops_of_pair(model, torch.zeros(1, 3, 32, 32), tokens) == pytest.approx(3 * (blocks + rest), rel=0.02)


def test_peaks() -> None:
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_flops("NVIDIA H100 PCIe") == 756e12
    assert peak_flops("NVIDIA A100-SXM4-40GB") == 312e12
    assert peak_flops("a card of 2031") is None


def test_fast_kernels() -> None:
    backends = torch.backends
    settings = ((backends.cuda.matmul, "allow_tf32"), (backends.cudnn, "allow_tf32"), (backends.cudnn, "benchmark"))
    before = [getattr(*setting) for setting in settings]
    try:
        for backend, name in settings:
            setattr(backend, name, False)
        enable_fast_kernels()
        assert [getattr(*setting) for setting in settings] == [True, True, True]
    finally:
        for (backend, name), value in zip(settings, before, strict=True):
            setattr(backend, name, value)


def test_memory_and_utilization_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = [3 * 2**30]
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H200")
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: peaks[-1])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: peaks.append(2**30))
    use = DeviceUse(torch.device("cuda"), flops=989e9)
    assert use.metrics(500.0) == {"peak_memory_gib": 3.0, "mfu": 0.5}
    assert use.metrics(250.0) == {"peak_memory_gib": 1.0, "mfu": 0.25}
    assert DeviceUse(torch.device("cpu"), flops=1.0).metrics(500.0) == {}


def test_blocks_of_the_towers() -> None:
    model = clip.create("metaclip-curate-tiny").model
    assert len(repeated_blocks(model)) == 4
    with torch.device("meta"):
        resnet = open_clip.create_model("RN50", device="meta")
    assert len(repeated_blocks(resnet)) >= 3 + 4 + 6 + 3


@pytest.mark.slow
def test_a_compiled_training_learns_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The eager backend needs no compiler; what is traced is the same.
    monkeypatch.setattr(
        "torch.nn.Module.compile",
        lambda self: self.__setattr__("_compiled_call_impl", torch.compile(self._call_impl, backend="eager")),
    )
    trainings.write_colourful_shards(tmp_path / "shards", [16])
    for name, compiled in (("plain", False), ("compiled", True)):
        trainings.train(tmp_path / "shards", tmp_path / name, compile=compiled)
    losses = [[line["loss"] for line in trainings.metrics(tmp_path / name)] for name in ("plain", "compiled")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
