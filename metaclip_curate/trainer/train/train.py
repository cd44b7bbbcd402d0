"""A training from its options to a model that open_clip loads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.loader import Batch, Loading, PairLoader
from metaclip_curate.trainer.data.selection import derived_seed
from metaclip_curate.trainer.data.shards import Reading
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.train.checkpoint import checkpoints, read_checkpoint, write_checkpoint
from metaclip_curate.trainer.train.distributed import Processes
from metaclip_curate.trainer.train.metrics import Metrics
from metaclip_curate.trainer.train.options import TrainOptions, language_weights
from metaclip_curate.trainer.train.recipe import as_toml, check_same
from metaclip_curate.trainer.train.scheduler import learning_rate
from metaclip_curate.trainer.train.step import Learner

_OPTIONS, _CHECKPOINTS = "options.toml", "checkpoints"

Tell = Callable[[str], None]


class Training:
    """A training, at the beginning or where its newest checkpoint is.

    Args:
        options: All its options.
        processes: This process among those that train together.
        tell: Takes lines about what goes on; the first process alone calls it.

    Raises:
        UserError: The batch can't be split evenly, or the folder has a training with other options or data.

    Attributes:
        step: Steps that are done.
    """

    def __init__(self, options: TrainOptions, processes: Processes, tell: Tell = print) -> None:
        self._options, self._processes = options, processes
        self._tell: Tell = tell if processes.is_first else lambda line: None
        self._folder = Path(options.output.output)
        self.step = 0
        torch.manual_seed(options.data.seed)
        self._clip = clip.create(options.model.model, options.model.pretrained, options.model.smallest_crop)
        model = self._clip.model.to(processes.device)
        if options.model.grad_checkpointing:
            model.set_grad_checkpointing()
        self._learner = Learner(model, processes, options.optimization, options.model.precision)
        self._loader = _loader(options, processes, self._clip)
        self._resume()

    @property
    def pairs(self) -> CuratedPairs:
        """What is learned from, at the place where the training is."""
        return self._loader.dataset

    def run(self) -> bool:
        """Trains to the end, or until it is to stop, and leaves a checkpoint.

        Returns:
            Whether this is the end; then the folder holds the model as open_clip takes it.

        Raises:
            UserError: The data are fewer than a batch.
        """
        options, first = self._options.output, self._processes.is_first
        if first:
            with atomic_write(self._folder / _OPTIONS) as file:
                file.write(as_toml(self._options).encode())
        steps, last_saved = self._options.optimization.steps, self.step
        self._tell(f"step {self.step:,} of {steps:,}: {self._loader.dataset.expected_epoch_size:,.0f} pairs an epoch")
        with _Log(self._folder, self._options, self._processes, self.step, self._tell) as log:
            for batch in self._batches():
                loss, norm = self._learn(batch)
                stop = log.take(self.step, batch, loss, norm, self._learner) or self.step == steps
                if stop or self.step % options.checkpoint_every == 0:
                    self._save()
                    last_saved = self.step
                if stop:
                    break
        if self.step > last_saved:
            self._save()
        for reason, count in sorted(self._loader.problems.items()):
            self._tell(f"{count:,} images of the first rank couldn't be used: {reason}")
        if self.step < steps:
            self._tell(f"stopped after step {self.step:,} of {steps:,}: the same command goes on")
            return False
        if first:
            clip.export(self._clip, self._learner.model, self._folder)
        self._processes.wait()
        self._tell(f"finished: {self._folder} is a model for open_clip, local-dir:{self._folder}")
        return True

    def _batches(self) -> Iterator[Batch]:
        """Batches of as many epochs as it takes."""
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
        device, options = self._processes.device, self._options
        # What a model draws in a step, if it draws, depends on nothing but seed, step and rank.
        torch.manual_seed(derived_seed(options.data.seed, self.step, self._processes.rank) % 2**63)
        images = batch.images.to(device, non_blocking=True)
        tokens = batch.tokens.to(device, non_blocking=True)
        rate = learning_rate(self.step * options.optimization.batch_size, options.optimization)
        learned = self._learner.learn(images, tokens, rate)
        self.step += 1
        return learned

    def _save(self) -> None:
        """Writes a checkpoint and waits until it is there, so that no rank goes on towards the next one."""
        learner = self._learner
        if self._processes.is_first:
            state = {
                "state_dict": learner.model.state_dict(),
                "optimizer": learner.optimizer.state_dict(),
                "scaler": learner.scaler.state_dict(),
                "data": self._loader.state_dict(),
            }
            write_checkpoint(self._folder / _CHECKPOINTS, self.step, state, self._options.output.keep_checkpoints)
        self._processes.wait()

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


class _Log:
    """Writes metrics every so many steps and says when it is time to stop."""

    def __init__(self, folder: Path, options: TrainOptions, processes: Processes, step: int, tell: Tell) -> None:
        self._options, self._processes, self._tell = options, processes, tell
        self._metrics = Metrics(folder, step) if processes.is_first else None
        self._first = self._last = step
        self._began = self._then = time.monotonic()
        self._repeated = 0

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *error: object) -> None:
        if self._metrics is not None:
            self._metrics.__exit__(None, None, None)

    def take(self, step: int, batch: Batch, loss: torch.Tensor, norm: torch.Tensor, learner: Learner) -> bool:
        """Takes what is known of a step, and returns whether to stop: the same in all processes."""
        options, output = self._options.optimization, self._options.output
        self._repeated += batch.repeated
        stop = output.stop_after_steps > 0 and step - self._first >= output.stop_after_steps
        if step % output.log_every and not stop and step < options.steps:
            return False
        now = time.monotonic()
        late = output.stop_after_minutes > 0 and now - self._began >= output.stop_after_minutes * 60
        mean_loss, norm_mean, repeated, is_late = self._processes.mean(loss, norm, self._repeated, late)
        if self._metrics is not None:
            values = {
                "pairs_seen": step * options.batch_size,
                "loss": mean_loss,
                "lr": learner.optimizer.param_groups[0]["lr"],
                "logit_scale": float(learner.model.logit_scale.detach().exp()),
                "gradient_norm": norm_mean,
                "pairs_per_second": (step - self._last) * options.batch_size / max(now - self._then, 1e-9),
                "repeated_rows": repeated * self._processes.ranks,
            }
            self._metrics.write(step, values)
            self._tell(
                f"step {step:,}  loss {mean_loss:.4f}  lr {values['lr']:.3g}  logit scale {values['logit_scale']:.2f}  "
                f"{values['pairs_per_second']:,.0f} pairs/s"
            )
        self._last, self._then, self._repeated = step, now, 0
        return stop or is_late > 0


def _loader(options: TrainOptions, processes: Processes, made: clip.Clip) -> PairLoader:
    data, optimization = options.data, options.optimization
    parts = processes.ranks * optimization.accumulate
    if optimization.batch_size % parts:
        raise UserError(
            f"--batch-size must be a multiple of ranks x --accumulate, {parts}, not {optimization.batch_size}"
        )
    given: dict[str, Any] = {
        "seed": data.seed,
        "weights": language_weights(data.weights),
        "storage": options.storage,
        "transform": made.train_transform,
        "rank": processes.rank,
        "ranks": processes.ranks,
        "reading": Reading(data.lanes),
    }
    if data.run:
        pairs = CuratedPairs.online(data.data, data.run, **given)
    else:
        pairs = CuratedPairs.offline(data.data, manifest=data.manifest, **given)
    loading = Loading(data.workers, data.prefetch, pin_memory=processes.device.type == "cuda")
    return PairLoader(pairs, optimization.batch_size // processes.ranks, made.tokenizer, loading)
