"""The norm, clipping, and the scale of fp16's loss."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from metaclip_curate.trainer.train.gradients import Gradients, LossScale, clip_factor


def with_gradients(*values: list[float]) -> list[nn.Parameter]:
    parameters = []
    for value in values:
        parameter = nn.Parameter(torch.zeros(len(value)))
        parameter.grad = torch.tensor(value)
        parameters.append(parameter)
    return parameters


def test_norm_and_clipping_are_those_of_torch() -> None:
    gradients = Gradients.of([*with_gradients([3.0, 0.0], [4.0]), nn.Parameter(torch.zeros(1))])
    assert not gradients.shards
    norm = gradients.norm()
    assert float(norm) == 5
    parameters = with_gradients([3.0, 0.0], [4.0])
    nn.utils.clip_grad_norm_(parameters, 2.0)
    factor = clip_factor(norm, 2.0)
    for parameter, gradient in zip(parameters, gradients.tensors, strict=True):
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, gradient * factor)
    assert float(clip_factor(norm, 6.0)) == 1


def test_the_scale_is_that_of_torch() -> None:
    ours, theirs = LossScale(torch.device("cpu"), enabled=True), torch.amp.GradScaler("cpu", growth_interval=2000)
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.0)
    for step in range(4100):
        bad = step in (0, 1, 3000)
        parameter.grad = torch.tensor([float("inf") if bad else 1.0])
        theirs.scale(torch.ones(()))
        theirs.step(optimizer)
        theirs.update()
        ours.update(torch.tensor(float(bad)))
        assert float(1 / ours.inverse()) == theirs.get_scale(), step


def test_a_scale_is_resumed_from_a_checkpoint_of_torchs_scaler() -> None:
    theirs = torch.amp.GradScaler("cpu", init_scale=1024.0)
    theirs.scale(torch.ones(()))
    ours = LossScale(torch.device("cpu"), enabled=True)
    ours.load_state_dict(theirs.state_dict())
    assert float(ours.scaled(torch.ones(()))) == 1024
    assert ours.state_dict() == {"scale": 1024.0, "_growth_tracker": 0}


def test_other_precisions_have_no_scale() -> None:
    scale = LossScale(torch.device("cpu"), enabled=False)
    scale.update(torch.ones(()))
    assert float(scale.scaled(torch.tensor(3.0))) == 3
    assert scale.state_dict() == {}
    assert float(scale.inverse()) == pytest.approx(1)
