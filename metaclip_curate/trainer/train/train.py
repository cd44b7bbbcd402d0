"""The training loop, from options to a model that open_clip loads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.run.owner import Listener, RunOwner
from metaclip_curate.storage import command_line
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.loader import Batch
from metaclip_curate.trainer.data.selection import derived_seed
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.checkpoint import is_finite, newest_checkpoint, read_checkpoint, write_checkpoint
from metaclip_curate.trainer.train.data import pair_loader
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.flags import FlagReader, SkippedSteps
from metaclip_curate.trainer.train.log import Log, StepLog
from metaclip_curate.trainer.train.loss import check_loss
from metaclip_curate.trainer.train.optimizer import load_optimizer
from metaclip_curate.trainer.train.options import TrainOptions
from metaclip_curate.trainer.train.recipe import as_toml, check_same, comparable
from metaclip_curate.trainer.train.scheduler import learning_rate
from metaclip_curate.trainer.train.step import Learner, StepResult
from metaclip_curate.trainer.train.stop import StopRequest, stop_reason

_OPTIONS, _CHECKPOINTS = "options.toml", "checkpoints"


class Training:
    """A training, at its beginning or at its newest checkpoint.

    Args:
        options: All options of the training.
        distributed: This process among those that train together.
        log: Function that prints a line; only rank 0 calls it.

    Attributes:
        step: Number of finished steps.

    Raises:
        UserError: The batch can't be split evenly, the model has another loss, ranks differ, or the folder has a
            training with other options or data.
    """

    def __init__(self, options: TrainOptions, distributed: Distributed, log: Log = print) -> None:
        self._options, self._distributed = options, distributed
        self._log: Log = log if distributed.is_main else lambda line: None
        self._folder = Path(options.output.output)
        self._checkpoints = self._folder / _CHECKPOINTS
        self._owner = RunOwner(options.output.output, options.storage, command_line(sys.argv), Listener(self._log))
        self._resumed_from: Path | None = None
        self.step = 0
        torch.manual_seed(options.data.seed)
        self._clip = clip.create(
            options.model.model,
            options.model.pretrained,
            options.model.smallest_crop,
            logit_bias=options.optimization.loss == "siglip",
        )
        check_loss(self._clip.model, options.model.model, options.optimization.loss)
        model = self._clip.model.to(distributed.device)
        if options.model.grad_checkpointing:
            model.set_grad_checkpointing()
        self._learner = Learner(model, distributed, options.optimization, options.model.precision)
        self._loader = pair_loader(options, distributed, self._clip)
        self._resume()

    @property
    def pairs(self) -> CuratedPairs:
        """The data set, at the position that the training has reached."""
        return self._loader.dataset

    def run(self) -> bool:
        """Trains to the end, or until an option or a signal stops it, and writes a checkpoint.

        Returns:
            Whether the training is finished; then the folder holds the model for open_clip.

        Raises:
            UserError: An epoch has fewer pairs than a batch, or another job is using the folder.
            JobFailedError: Loss, gradients or weights aren't finite.
        """
        with self._owner.working():
            self._distributed.on_main(self._begin)
            stopped_by = self._train()
            for reason, count in sorted(self._loader.problems.items()):
                self._log(f"{count:,} images of rank 0 couldn't be used: {reason}")
            steps = self._options.optimization.steps
            if self.step < steps:
                by = f" by {stopped_by}" if stopped_by else ""
                self._log(f"stopped{by} after step {self.step:,} of {steps:,}: the same command goes on")
                return False
            self._export()
        return True

    def _begin(self) -> None:
        """Takes possession of the folder, on rank 0."""
        self._owner.require()
        if newest_checkpoint(self._checkpoints) != self._resumed_from:
            raise UserError(f"another job has written to {self._folder} just now: give the command again")
        with atomic_write(self._folder / _OPTIONS) as file:
            file.write(as_toml(self._options).encode())

    def _train(self) -> str:
        """Trains, and returns what stopped it before its end; empty if an option or nothing did."""
        optimization, output = self._options.optimization, self._options.output
        steps, first, saved = optimization.steps, self.step, self.step
        skipped, flags = SkippedSteps(optimization.max_bad_steps), FlagReader(self._distributed.device)
        code = 0
        self._log(f"step {self.step:,} of {steps:,}: {self._loader.dataset.expected_epoch_size:,.0f} pairs an epoch")
        log = StepLog(self._folder, self._options, self._distributed, self.step, skipped, self._log)
        with StopRequest(output.stop_after_minutes) as request, log:
            for batch in self._batches():
                result = self._learn(batch, request.code)
                for of_step in flags.read(result.flags):
                    skipped.count(of_step.skipped)
                    code = max(code, of_step.stop)
                limited = output.stop_after_steps and self.step - first >= output.stop_after_steps
                last = bool(code or limited) or self.step == steps
                if last or self.step % output.checkpoint_every == 0:
                    for of_step in flags.rest():
                        skipped.count(of_step.skipped)
                log.record(self.step, batch, result, self._learner, last)
                if last or self.step % output.checkpoint_every == 0:
                    self._save()
                    saved = self.step
                if last:
                    break
        if self.step > saved:
            self._save()
        return stop_reason(code)

    def _export(self) -> None:
        if self._distributed.is_main:
            clip.export(self._clip, self._learner.model, self._folder)
        self._distributed.barrier()
        self._log(f"finished: {self._folder} is a model for open_clip, local-dir:{self._folder}")

    def _batches(self) -> Iterator[Batch]:
        """Yields batches of as many epochs as the training takes."""
        while self.step < self._options.optimization.steps:
            whole_epoch, before = self._loader.dataset.position == 0, self.step
            yield from self._loader
            if whole_epoch and self.step == before:
                raise UserError(
                    f"an epoch of {self._options.data.data} has fewer pairs than a batch: lower --batch-size, which is "
                    f"{self._options.optimization.batch_size:,}"
                )

    def _learn(self, batch: Batch, stop: int) -> StepResult:
        assert batch.tokens is not None
        device, options = self._distributed.device, self._options
        # Random numbers that a model draws in a step, such as dropout, depend on seed, step and rank only.
        torch.manual_seed(derived_seed(options.data.seed, self.step, self._distributed.rank) % 2**63)
        images = batch.images.to(device, non_blocking=True)
        tokens = batch.tokens.to(device, non_blocking=True)
        rate = learning_rate(self.step * options.optimization.batch_size, options.optimization)
        result = self._learner.step(images, tokens, rate, stop)
        self.step += 1
        return result

    def _save(self) -> None:
        """Writes a checkpoint. All ranks wait for it, so that none gets ahead of the newest checkpoint."""
        self._distributed.on_main(self._write)

    def _write(self) -> None:
        learner = self._learner
        weights = learner.model.state_dict()
        if not is_finite(weights.values()):
            raise JobFailedError(
                f"the weights aren't finite after step {self.step:,}, so no checkpoint is written of them: begin anew "
                "with a lower --lr or --clip-norm 1"
            )
        self._owner.require()
        state = {
            "state_dict": weights,
            "optimizer": learner.optimizer.state_dict(),
            "scaler": learner.scaler.state_dict(),
            "data": self._loader.state_dict(),
        }
        write_checkpoint(self._checkpoints, self.step, state, self._options.output.keep_checkpoints)

    def _resume(self) -> None:
        """Goes on from the checkpoint that rank 0 chooses, and compares the ranks."""
        found = self._distributed.on_main(self._choose)
        if found is not None:
            missing = [rank for rank, there in enumerate(self._distributed.gather(found.is_file())) if not there]
            if missing:
                raise UserError(f"rank {missing[0]} can't see {found}: give an --output that all ranks share")
            state, learner = read_checkpoint(found), self._learner
            learner.model.load_state_dict(state["state_dict"])
            load_optimizer(learner.optimizer, state["optimizer"])
            learner.scaler.load_state_dict(state["scaler"])
            self._loader.load_state_dict(state["data"])
            self.step = state["step"]
            self._resumed_from = found
            self._log(f"resuming from {found}")
        data = self._loader.dataset.fingerprint
        self._distributed.check_same(
            {"step": self.step, **comparable(self._options), "data with the fingerprint": data}
        )

    def _choose(self) -> Path | None:
        found = newest_checkpoint(self._checkpoints)
        if found is not None:
            check_same(self._options, self._folder / _OPTIONS)
        return found
