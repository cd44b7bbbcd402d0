"""The log of a training: metrics every few steps, lines on the console, and the decision when to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from metaclip_curate.trainer.data.loader import Batch
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.metrics import MetricsWriter
from metaclip_curate.trainer.train.options import TrainOptions
from metaclip_curate.trainer.train.step import Learner

Log = Callable[[str], None]


class StepLog:
    """Writes metrics and reports when the training is to stop.

    Args:
        folder: The training's folder.
        options: All options of the training.
        distributed: This process among those that train together.
        step: Step from which the training goes on.
        log: Function that prints a line.
    """

    def __init__(self, folder: Path, options: TrainOptions, distributed: Distributed, step: int, log: Log) -> None:
        self._options, self._distributed, self._log = options, distributed, log
        self._metrics = MetricsWriter(folder, step) if distributed.is_main else None
        self._first_step = self._last_step = step
        self._start = self._last_time = time.monotonic()
        self._repeated = 0

    def __enter__(self) -> StepLog:
        return self

    def __exit__(self, *error: object) -> None:
        if self._metrics is not None:
            self._metrics.__exit__(None, None, None)

    def record(self, step: int, batch: Batch, loss: Tensor, norm: Tensor, learner: Learner) -> bool:
        """Records a finished step.

        Args:
            step: Number of finished steps.
            batch: This rank's batch.
            loss: This rank's loss.
            norm: Norm of the gradients before clipping.
            learner: The learner after the step.

        Returns:
            Whether to stop, which is the same on all ranks.
        """
        options, output = self._options.optimization, self._options.output
        self._repeated += batch.repeated
        stop = output.stop_after_steps > 0 and step - self._first_step >= output.stop_after_steps
        if step % output.log_every and not stop and step < options.steps:
            return False
        now = time.monotonic()
        late = output.stop_after_minutes > 0 and now - self._start >= output.stop_after_minutes * 60
        mean_loss, mean_norm, repeated, is_late = self._distributed.mean(loss, norm, self._repeated, late)
        if self._metrics is not None:
            values = {
                "pairs_seen": step * options.batch_size,
                "loss": mean_loss,
                "lr": learner.optimizer.param_groups[0]["lr"],
                "logit_scale": float(learner.model.logit_scale.detach().exp()),
                "gradient_norm": mean_norm,
                "pairs_per_second": (step - self._last_step) * options.batch_size / max(now - self._last_time, 1e-9),
                "repeated_rows": repeated * self._distributed.world_size,
            }
            self._metrics.write(step, values)
            self._log(
                f"step {step:,}  loss {mean_loss:.4f}  lr {values['lr']:.3g}  logit scale {values['logit_scale']:.2f}  "
                f"{values['pairs_per_second']:,.0f} pairs/s"
            )
        self._last_step, self._last_time, self._repeated = step, now, 0
        return stop or is_late > 0
