"""The log of a training: metrics every few steps, and lines on the console."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metaclip_curate.trainer.data.prefetch import DeviceBatch
from metaclip_curate.trainer.evaluate.results import Result
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.flags import SkippedSteps
from metaclip_curate.trainer.train.hardware import DeviceUse
from metaclip_curate.trainer.train.metrics import MetricsWriter
from metaclip_curate.trainer.train.options import TrainOptions
from metaclip_curate.trainer.train.step import Learner, StepResult

Log = Callable[[str], None]


@dataclass(frozen=True)
class LoggedTraining:
    """What the log needs of a training.

    Attributes:
        folder: The training's folder.
        step: Step from which the training goes on.
        skipped: Counter of the skipped steps.
        device_use: Memory and utilization of the GPU.
        waited: Returns the seconds for which this rank has waited for data.
        epochs: Returns the number of epochs that are used up, with the share of the current one.
    """

    folder: Path
    step: int
    skipped: SkippedSteps
    device_use: DeviceUse
    waited: Callable[[], float]
    epochs: Callable[[], float]


class StepLog:
    """Writes metrics.

    Args:
        training: Where the training is and what it uses.
        options: All options of the training.
        distributed: This process among those that train together.
        log: Function that prints a line.
    """

    def __init__(self, training: LoggedTraining, options: TrainOptions, distributed: Distributed, log: Log) -> None:
        self._options, self._distributed, self._log = options, distributed, log
        self._skipped, self._device_use = training.skipped, training.device_use
        self._waited, self._epochs = training.waited, training.epochs
        self._metrics = (
            MetricsWriter(training.folder, training.step, options.output.wandb) if distributed.is_main else None
        )
        self._last_step, self._last_time, self._last_waited = training.step, time.monotonic(), training.waited()
        self._repeated = 0

    def __enter__(self) -> StepLog:
        return self

    def __exit__(self, *error: object) -> None:
        if self._metrics is not None:
            self._metrics.__exit__(None, None, None)

    def record(self, step: int, batch: DeviceBatch, result: StepResult, learner: Learner, last: bool) -> None:
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
        now, waited = time.monotonic(), self._waited()
        waiting = (waited - self._last_waited) / max(now - self._last_time, 1e-9)
        mean_loss, mean_norm, repeated, waiting = self._distributed.mean(
            result.loss, result.norm, self._repeated, waiting
        )
        if self._metrics is not None:
            rate = (step - self._last_step) * options.batch_size / max(now - self._last_time, 1e-9)
            values = {
                "pairs_seen": step * options.batch_size,
                "epochs": self._epochs(),
                "loss": mean_loss,
                "lr": learner.optimizer.param_groups[0]["lr"],
                "logit_scale": float(learner.model.logit_scale.detach().exp()),
                "gradient_norm": mean_norm,
                "pairs_per_second": rate,
                "waiting_for_data": waiting,
                "repeated_rows": repeated * self._distributed.world_size,
                "skipped_steps": self._skipped.total,
                **self._device_use.metrics(rate / self._distributed.world_size),
            }
            self._metrics.write(step, values)
            skipped = f"  {self._skipped.total:,} steps skipped" if self._skipped.total else ""
            if values["repeated_rows"]:
                skipped += f"  {values['repeated_rows']:,.0f} rows repeated for broken images"
            self._log(
                f"step {step:,}  loss {mean_loss:.4f}  lr {values['lr']:.3g}  logit scale {values['logit_scale']:.2f}  "
                f"{rate:,.0f} pairs/s{skipped}{_shown(values)}"
            )
        self._last_step, self._last_time, self._last_waited, self._repeated = step, now, waited, 0

    def record_evaluation(self, step: int, results: Sequence[Result]) -> None:
        """Records an evaluation."""
        if self._metrics is not None:
            values = {one.name: one.value for one in results}
            self._metrics.write(step, values)
            shown = "  ".join(f"{name} {value:.1%}" for name, value in values.items())
            self._log(f"step {step:,}  {shown}")


def _shown(values: Mapping[str, float]) -> str:
    """Shows what concerns the GPU."""
    shown = f"  {values['waiting_for_data']:.0%} waiting for data"
    if "peak_memory_gib" in values:
        shown += f"  {values['peak_memory_gib']:.1f} GiB"
    if "mfu" in values:
        shown += f"  MFU {values['mfu']:.0%}"
    return shown
