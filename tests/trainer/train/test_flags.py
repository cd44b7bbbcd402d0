"""Flags are read late on a GPU, and too many skipped steps end a training."""

from __future__ import annotations

import pytest
import torch

from metaclip_curate.errors import JobFailedError
from metaclip_curate.trainer.train.flags import FlagReader, SkippedSteps, StepFlags

_CPU = torch.device("cpu")


def test_flags_of_the_step_before() -> None:
    reader = FlagReader(_CPU, delay=1)
    assert reader.read(torch.tensor([1.0, 0.0])) == []
    assert reader.read(torch.tensor([0.0, 3.0])) == [StepFlags(True, 0)]
    assert reader.rest() == [StepFlags(False, 3)]
    assert reader.rest() == []
    assert FlagReader(_CPU).read(torch.tensor([0.0, 2.0])) == [StepFlags(False, 2)]


def test_too_many_in_a_row() -> None:
    skipped = SkippedSteps(2)
    for flag in (True, True, False, True, True):
        skipped.count(flag)
    assert skipped.total == 4
    with pytest.raises(JobFailedError, match="3 steps in a row weren't finite, more than --max-bad-steps 2"):
        skipped.count(True)
