"""The training loop, from options to a model that open_clip loads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.loader import Batch
from metaclip_curate.trainer.data.selection import derived_seed
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.checkpoint import checkpoints, read_checkpoint, write_checkpoint
from metaclip_curate.trainer.train.data import pair_loader
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.log import Log, StepLog
from metaclip_curate.trainer.train.options import TrainOptions
from metaclip_curate.trainer.train.recipe import as_toml, check_same
from metaclip_curate.trainer.train.scheduler import learning_rate
from metaclip_curate.trainer.train.step import Learner

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
        UserError: The batch can't be split evenly, or the folder has a training with other options or data.
    """

    def __init__(self, options: TrainOptions, distributed: Distributed, log: Log = print) -> None:
        self._options, self._distributed = options, distributed
        self._log: Log = log if distributed.is_main else lambda line: None
        self._folder = Path(options.output.output)
        self.step = 0
        torch.manual_seed(options.data.seed)
        self._clip = clip.create(options.model.model, options.model.pretrained, options.model.smallest_crop)
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
        """Trains to the end, or until an option stops it, and writes a checkpoint.

        Returns:
            Whether the training is finished; then the folder holds the model for open_clip.

        Raises:
            UserError: An epoch has fewer pairs than a batch.
        """
        options = self._options.output
        if self._distributed.is_main:
            with atomic_write(self._folder / _OPTIONS) as file:
                file.write(as_toml(self._options).encode())
        steps, last_saved = self._options.optimization.steps, self.step
        self._log(f"step {self.step:,} of {steps:,}: {self._loader.dataset.expected_epoch_size:,.0f} pairs an epoch")
        with StepLog(self._folder, self._options, self._distributed, self.step, self._log) as log:
            for batch in self._batches():
                loss, norm = self._learn(batch)
                stop = log.record(self.step, batch, loss, norm, self._learner) or self.step == steps
                if stop or self.step % options.checkpoint_every == 0:
                    self._save()
                    last_saved = self.step
                if stop:
                    break
        if self.step > last_saved:
            self._save()
        for reason, count in sorted(self._loader.problems.items()):
            self._log(f"{count:,} images of rank 0 couldn't be used: {reason}")
        if self.step < steps:
            self._log(f"stopped after step {self.step:,} of {steps:,}: the same command goes on")
            return False
        self._export()
        return True

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

    def _learn(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        assert batch.tokens is not None
        device, options = self._distributed.device, self._options
        # Random numbers that a model draws in a step, such as dropout, depend on seed, step and rank only.
        torch.manual_seed(derived_seed(options.data.seed, self.step, self._distributed.rank) % 2**63)
        images = batch.images.to(device, non_blocking=True)
        tokens = batch.tokens.to(device, non_blocking=True)
        rate = learning_rate(self.step * options.optimization.batch_size, options.optimization)
        loss_and_norm = self._learner.step(images, tokens, rate)
        self.step += 1
        return loss_and_norm

    def _save(self) -> None:
        """Writes a checkpoint. All ranks wait for it, so that none gets ahead of the newest checkpoint."""
        learner = self._learner
        if self._distributed.is_main:
            state = {
                "state_dict": learner.model.state_dict(),
                "optimizer": learner.optimizer.state_dict(),
                "scaler": learner.scaler.state_dict(),
                "data": self._loader.state_dict(),
            }
            write_checkpoint(self._folder / _CHECKPOINTS, self.step, state, self._options.output.keep_checkpoints)
        self._distributed.barrier()

    def _resume(self) -> None:
        found = checkpoints(self._folder / _CHECKPOINTS)
        if not found:
            return
        check_same(self._options, self._folder / _OPTIONS)
        state, learner = read_checkpoint(found[-1]), self._learner
        learner.model.load_state_dict(state["state_dict"])
        learner.optimizer.load_state_dict(state["optimizer"])
        learner.scaler.load_state_dict(state["scaler"])
        self._loader.load_state_dict(state["data"])
        self.step = state["step"]
