"""The log of a training: metrics every few steps, and lines on the console."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from metaclip_curate.trainer.data.loader import Batch
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.flags import SkippedSteps
from metaclip_curate.trainer.train.metrics import MetricsWriter
from metaclip_curate.trainer.train.options import TrainOptions
from metaclip_curate.trainer.train.step import Learner, StepResult

Log = Callable[[str], None]


class StepLog:
    """Writes metrics.

    Args:
        folder: The training's folder.
        options: All options of the training.
        distributed: This process among those that train together.
        step: Step from which the training goes on.
        skipped: Counter of the skipped steps.
        log: Function that prints a line.
    """

    def __init__(
        self,
        folder: Path,
        options: TrainOptions,
        distributed: Distributed,
        step: int,
        skipped: SkippedSteps,
        log: Log,
    ) -> None:
        self._options, self._distributed, self._skipped, self._log = options, distributed, skipped, log
        self._metrics = MetricsWriter(folder, step) if distributed.is_main else None
        self._last_step, self._last_time = step, time.monotonic()
        self._repeated = 0

    def __enter__(self) -> StepLog:
        return self

    def __exit__(self, *error: object) -> None:
        if self._metrics is not None:
            self._metrics.__exit__(None, None, None)

    def record(self, step: int, batch: Batch, result: StepResult, learner: Learner, last: bool) -> None:
        """Records a finished step, and every few steps writes a line.

        Args:
            step: Number of finished steps.
            batch: This rank's batch.
            result: Result of the step.
            learner: The learner after the step.
            last: Whether the training ends here on all ranks, which writes a line in any case.
        """
        options, output = self._options.optimization, self._options.output
        self._repeated += batch.repeated
        if step % output.log_every and not last:
            return
        now = time.monotonic()
        mean_loss, mean_norm, repeated = self._distributed.mean(result.loss, result.norm, self._repeated)
        if self._metrics is not None:
            values = {
                "pairs_seen": step * options.batch_size,
                "loss": mean_loss,
                "lr": learner.optimizer.param_groups[0]["lr"],
                "logit_scale": float(learner.model.logit_scale.detach().exp()),
                "gradient_norm": mean_norm,
                "pairs_per_second": (step - self._last_step) * options.batch_size / max(now - self._last_time, 1e-9),
                "repeated_rows": repeated * self._distributed.world_size,
                "skipped_steps": self._skipped.total,
            }
            self._metrics.write(step, values)
            skipped = f"  {self._skipped.total:,} steps skipped" if self._skipped.total else ""
            self._log(
                f"step {step:,}  loss {mean_loss:.4f}  lr {values['lr']:.3g}  logit scale {values['logit_scale']:.2f}  "
                f"{values['pairs_per_second']:,.0f} pairs/s{skipped}"
            )
        self._last_step, self._last_time, self._repeated = step, now, 0
