"""A skipped step changes nothing, also where the device decides about it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from metaclip_curate.trainer.train.optimizer import adamw, load_optimizer, step_unless
from metaclip_curate.trainer.train.options import OptimizationOptions

_OPTIONS = OptimizationOptions(batch_size=2, pairs_seen=2, warmup_pairs=0, lr=0.1)


def steps(fused: bool, skipped: list[bool]) -> tuple[torch.Tensor, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = adamw(model, _OPTIONS, fused)
    for number, skip in enumerate(skipped):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, float("nan") if skip else number + 1.0)
        step_unless(torch.tensor(float(skip)), optimizer)
    return model.weight.detach(), optimizer


@pytest.mark.parametrize("fused", [False, True])
def test_a_skipped_step_changes_nothing(fused: bool) -> None:
    weights, optimizer = steps(fused, [False, True, True, False])
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    expected = adamw(model, _OPTIONS, fused)
    for value in (1.0, 4.0):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, value)
        expected.step()
    assert torch.equal(weights, model.weight.detach())
    assert {float(state["step"]) for state in optimizer.state.values()} == {2.0}


def test_a_checkpoint_of_one_kernel_is_resumed_with_the_other() -> None:
    state = steps(False, [False])[1].state_dict()
    _, fused = steps(True, [])
    load_optimizer(fused, state)
    assert all(group["fused"] for group in fused.param_groups)
    before = [parameter.detach().clone() for group in fused.param_groups for parameter in group["params"]]
    for group in fused.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.full_like(parameter, float("nan"))
    step_unless(torch.ones(()), fused)
    after = [parameter for group in fused.param_groups for parameter in group["params"]]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
