"""What all ranks have to know of each step: whether it was skipped, and whether a rank was asked to stop."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from metaclip_curate.errors import JobFailedError


@dataclass(frozen=True)
class StepFlags:
    """Flags of one step, the same on all ranks.

    Attributes:
        skipped: Whether the loss or a gradient wasn't finite.
        stop: Code of the reason to stop, from `stop.StopRequest`; 0: go on.
    """

    skipped: bool
    stop: int


class FlagReader:
    """Reads the flags from the device.

    On a GPU it returns those of the step before, since reading those of the newest step would wait for its end, and the
    GPU would wait for the host in turn. All ranks read with the same delay, so that they decide alike.

    Args:
        device: Device of the flags.
        delay: Number of steps by which the reading is late. Default: 1 on a GPU, else 0.
    """

    def __init__(self, device: torch.device, delay: int | None = None) -> None:
        self._delay = int(device.type == "cuda") if delay is None else delay
        self._waiting: deque[tuple[Tensor, torch.cuda.Event | None]] = deque()

    def read(self, flags: Tensor) -> list[StepFlags]:
        """Adds the flags of a step and returns those that are due, oldest first.

        Args:
            flags: Whether the step was skipped, and the code of a stop, shape (2,).
        """
        event = None
        if flags.device.type == "cuda":
            host = torch.empty(flags.shape, dtype=flags.dtype, pin_memory=True)
            host.copy_(flags, non_blocking=True)
            event = torch.cuda.Event()
            event.record()
            flags = host
        self._waiting.append((flags, event))
        return self._take(self._delay)

    def rest(self) -> list[StepFlags]:
        """Waits for all steps and returns the flags that weren't returned yet."""
        return self._take(0)

    def _take(self, left: int) -> list[StepFlags]:
        found = []
        while len(self._waiting) > left:
            flags, event = self._waiting.popleft()
            if event is not None:
                event.synchronize()
            skipped, stop = flags.tolist()
            found.append(StepFlags(skipped > 0, int(stop)))
        return found


class SkippedSteps:
    """Counts skipped steps and ends a training that has too many of them in a row.

    Args:
        most_in_row: Largest allowed number of skipped steps in a row.

    Attributes:
        total: Number of skipped steps.
    """

    def __init__(self, most_in_row: int) -> None:
        self._most, self._in_row = most_in_row, 0
        self.total = 0

    def count(self, skipped: bool) -> None:
        """Counts a step.

        Raises:
            JobFailedError: There are too many skipped steps in a row.
        """
        self._in_row = self._in_row + 1 if skipped else 0
        self.total += skipped
        if self._in_row > self._most:
            raise JobFailedError(
                f"the loss or the gradients of {self._in_row} steps in a row weren't finite, more than --max-bad-steps "
                f"{self._most}: the checkpoints are from before; lower --lr, give --clip-norm 1, or choose bf16"
            )
