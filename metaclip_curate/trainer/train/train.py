"""The training loop, from options to a model that open_clip loads."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import torch

from metaclip_curate.console.wording import counted
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.options.fields import flag
from metaclip_curate.run.owner import Listener, RunOwner
from metaclip_curate.storage import command_line
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.trainer.data.dataset import CuratedPairs
from metaclip_curate.trainer.data.prefetch import DeviceBatch, DevicePrefetcher
from metaclip_curate.trainer.data.selection import derived_seed
from metaclip_curate.trainer.evaluate.command import check_evaluation, evaluate
from metaclip_curate.trainer.evaluate.results import Result
from metaclip_curate.trainer.evaluate.zero_shot import Encoder
from metaclip_curate.trainer.models import clip
from metaclip_curate.trainer.models.pixels import Normalization, split_transform
from metaclip_curate.trainer.train.blocks import compile_blocks
from metaclip_curate.trainer.train.checkpoint import Checkpoints, Progress, checkpoints, full_weights
from metaclip_curate.trainer.train.data import open_pairs, pair_loader
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.flags import FlagReader, SkippedSteps
from metaclip_curate.trainer.train.hardware import DeviceUse, enable_fast_kernels, flops_of_pair
from metaclip_curate.trainer.train.log import Log, LoggedTraining, StepLog
from metaclip_curate.trainer.train.loss import check_loss
from metaclip_curate.trainer.train.metrics import METRICS
from metaclip_curate.trainer.train.options import TrainOptions
from metaclip_curate.trainer.train.precision import autocast
from metaclip_curate.trainer.train.recipe import as_toml, check_same, comparable, read_recipe
from metaclip_curate.trainer.train.scheduler import learning_rate
from metaclip_curate.trainer.train.step import Learner, StepResult
from metaclip_curate.trainer.train.stop import StopRequest, stop_reason

_OPTIONS, _CHECKPOINTS, _AVERAGE = "options.toml", "checkpoints", "ema"


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
        self._owner = RunOwner(options.output.output, options.storage, command_line(sys.argv), Listener(self._log))
        self._resumed_from: Path | None = None
        self.step = 0
        distributed.on_main(self._check_folder)
        pairs = open_pairs(options, distributed)  # before a large model is made in vain
        torch.manual_seed(options.data.seed)
        self._clip = clip.create(
            options.model.model,
            options.model.pretrained,
            options.model.smallest_crop,
            logit_bias=options.optimization.loss == "siglip",
        )
        check_loss(self._clip.model, options.model.model, options.optimization.loss)
        enable_fast_kernels()
        model = self._clip.model
        if options.model.parallel == "ddp" or distributed.world_size == 1:
            model = model.to(distributed.device)  # else each block is moved when it is sharded
        if options.model.grad_checkpointing:
            model.set_grad_checkpointing()
        transform, normalization = split_transform(
            self._clip.train_transform, options.model.model, options.data.decoder
        )
        self._loader = pair_loader(pairs, options, distributed, transform, self._clip.tokenizer)
        self._prefetcher = DevicePrefetcher(self._loader, distributed.device, normalization)
        self._device_use = DeviceUse(distributed.device, self._flops(model, normalization))
        if options.model.compile:
            compile_blocks(model)
        self._learner = Learner(
            model, distributed, options.optimization, options.model.precision, options.model.parallel
        )
        self._checkpoints = Checkpoints(
            self._folder / _CHECKPOINTS, self._learner, distributed, options.output.keep_checkpoints
        )
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
            try:
                stopped_by = self._train()
            except JobFailedError:
                self._checkpoints.wait()  # the last one is good and may not be complete yet
                raise
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
        if self._options.evaluation.evaluate_every:  # rather than after many steps
            check_evaluation(self._options.evaluation, self._options.evaluation.evaluate_languages)
        if self._checkpoints.newest() != self._resumed_from:
            raise UserError(f"another job has written to {self._folder} just now: give the command again")
        self._checkpoints.remove_unfinished()
        with atomic_write(self._folder / _OPTIONS) as file:
            file.write(as_toml(self._options).encode())

    def _train(self) -> str:
        """Trains, and returns what stopped it before its end; empty if an option or nothing did."""
        optimization, output = self._options.optimization, self._options.output
        steps, first, saved = optimization.steps, self.step, self.step
        skipped, flags = SkippedSteps(optimization.max_bad_steps), FlagReader(self._distributed.device)
        code, pairs = 0, self._loader.dataset
        self._log(f"step {self.step:,} of {steps:,}: {pairs.expected_epoch_size:,.0f} pairs an epoch")
        self._log_missing()
        if optimization.warmup_pairs > optimization.pairs_seen:
            self._log(
                f"--warmup-pairs {optimization.warmup_pairs:,} is more than --pairs-seen {optimization.pairs_seen:,}: "
                f"the rate doesn't reach --lr {optimization.lr:g}"
            )
        logged = LoggedTraining(
            self._folder,
            self.step,
            skipped,
            self._device_use,
            waited=lambda: self._prefetcher.waited,
            epochs=lambda: pairs.epoch + min(1.0, pairs.position / pairs.expected_epoch_size),
        )
        log = StepLog(logged, self._options, self._distributed, self._log)
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
                every = self._options.evaluation.evaluate_every
                if every and (self.step % every == 0 or self.step == steps):
                    try:
                        log.record_evaluation(self.step, self._evaluate())
                    except UserError as error:  # its files were checked at the start, and may be gone since
                        self._log(f"step {self.step:,}  no evaluation: {error}")
                if last:
                    break
        if self.step > saved:
            self._save()
        self._checkpoints.wait()
        return stop_reason(code)

    def _log_missing(self) -> None:
        """Prints how many pairs of the manifest the data don't have, as far as that is known without reading them."""
        data, pairs = self._options.data, self._loader.dataset
        only, missing = pairs.selection.only, getattr(pairs.source, "missing", 0)
        if only is not None and not data.weights:
            missing = len(only) - round(pairs.expected_epoch_size)
        if missing > 0:
            self._log(f"{data.data} lacks {counted(missing, 'pair')} of {data.manifest}")

    def _export(self) -> None:
        """Writes the model for open_clip, and beside it the moving average if there is one."""
        self._export_to(self._folder)
        if self._learner.average is not None:
            with self._learner.average.applied():
                self._export_to(self._folder / _AVERAGE)
        self._log(f"finished: {self._folder} is a model for open_clip, local-dir:{self._folder}")

    def _export_to(self, folder: Path) -> None:
        weights = full_weights(self._learner)
        self._distributed.on_main(lambda: clip.export(self._clip, weights, folder))

    def _flops(self, model: torch.nn.Module, normalization: Normalization) -> float:
        """Counts the operations of a pair where they are of use."""
        device = self._distributed.device
        if device.type != "cuda":
            return 0.0
        size = model.visual.image_size
        height, width = size if isinstance(size, tuple | list) else (size, size)
        image = torch.zeros(1, height, width, 3, dtype=torch.uint8, device=device)
        return flops_of_pair(model, normalization(image), self._clip.tokenizer(["a text"]).to(device))

    def _batches(self) -> Iterator[DeviceBatch]:
        """Yields batches of as many epochs as the training takes."""
        while self.step < self._options.optimization.steps:
            whole_epoch, before = self._loader.dataset.position == 0, self.step
            for batch in self._prefetcher:
                # After the workers were forked, which must not happen while threads read.
                self._loader.dataset.prepare_next_epoch()
                yield batch
            if whole_epoch and self.step == before:
                self._refuse_epoch()

    def _refuse_epoch(self) -> NoReturn:
        """Raises an error about an epoch without a batch."""
        data, pairs = self._options.data, self._loader.dataset.epoch_size()
        if not pairs:
            reasons = [flag(name) for name in ("manifest", "run", "weights") if getattr(data, name)]
            raise UserError(f"{data.data} has no pairs that {' or '.join(reasons)} leaves: look whether they fit")
        raise UserError(
            f"an epoch of {data.data} has fewer pairs than a batch, {pairs:,}: lower --batch-size, which is "
            f"{self._options.optimization.batch_size:,}"
        )

    def _learn(self, batch: DeviceBatch, stop: int) -> StepResult:
        options = self._options
        # Random numbers that a model draws in a step, such as dropout, depend on seed, step and rank only.
        torch.manual_seed(derived_seed(options.data.seed, self.step, self._distributed.rank) % 2**63)
        rate = learning_rate(self.step * options.optimization.batch_size, options.optimization)
        result = self._learner.step(batch.images, batch.tokens, rate, stop)
        self.step += 1
        return result

    def _evaluate(self) -> list[Result]:
        """Evaluates the model: on rank 0, or on all ranks alike if each has a part of it."""
        given, learner = self._options.evaluation, self._learner
        average = learner.average.applied() if learner.average is not None else contextlib.nullcontext()

        def measure() -> list[Result]:
            with average, autocast(self._distributed.device.type, self._options.model.precision):
                encoder = Encoder(self._clip, self._distributed.device, workers=self._options.data.workers)
                return list(evaluate(encoder, given, given.evaluate_languages))

        return measure() if learner.parallel.sharded else self._distributed.on_main(measure)

    def _save(self) -> None:
        """Writes a checkpoint. All ranks wait for it, so that none gets ahead of the newest checkpoint."""
        self._distributed.on_main(self._owner.require)
        self._checkpoints.save(Progress(self.step, self._loader.state_dict()))

    def _resume(self) -> None:
        """Goes on from the checkpoint that rank 0 chooses, and compares the ranks."""
        found = self._distributed.on_main(self._checkpoints.newest)
        if found is not None:
            missing = [rank for rank, there in enumerate(self._distributed.gather(found.exists())) if not there]
            if missing:
                raise UserError(f"rank {missing[0]} can't see {found}: give an --output that all ranks share")
            progress = self._checkpoints.load(found)
            self._loader.load_state_dict(progress.data)
            self.step = progress.step
            self._resumed_from = found
            self._log(f"resuming from {found}")
        data = self._loader.dataset.fingerprint
        self._distributed.check_same(
            {"step": self.step, **comparable(self._options), "data with the fingerprint": data}
        )

    def _check_folder(self) -> None:
        """Checks that the folder has this training, or no files that a training would replace."""
        folder = self._folder
        written = folder / _OPTIONS
        if checkpoints(folder / _CHECKPOINTS):
            check_same(self._options, written)
            return
        if written.exists():
            read_recipe(str(written))
        own = () if written.exists() else (METRICS,)  # a training that ended before its first checkpoint has both
        for name in (*own, *clip.FILES, *(f"{_AVERAGE}/{file}" for file in clip.FILES)):
            if (folder / name).exists():
                raise UserError(f"{folder} has {name} and no checkpoint to go on from: give another --output")
