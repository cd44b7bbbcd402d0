"""Checkpoints of a training: one file, or with sharded models a folder with a file of each rank.

From a file open_clip loads the weights. A folder is written by torch.distributed.checkpoint while training goes on, and
loads on any number of ranks; `python -m metaclip_curate.trainer.export` makes a file of it.
"""

from __future__ import annotations

import pickle
import re
import shutil
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.tensor import DTensor

from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.storage.atomic_file import UNFINISHED_SUFFIX, atomic_write
from metaclip_curate.trainer.train.distributed import Distributed
from metaclip_curate.trainer.train.optimizer import load_optimizer
from metaclip_curate.trainer.train.step import Learner

_FORMAT = 1
_NAME = re.compile(r"step-(\d{9,})(\.pt)?")
# In the folder of a sharded checkpoint: written last by torch.distributed.checkpoint, and written first by rank 0.
_COMPLETE, _TRAINING = ".metadata", "training.pt"
_REMEDY = "restore it from a copy, or remove it to go on from the checkpoint before"


@dataclass(frozen=True)
class Progress:
    """What a checkpoint has beside the learner's state.

    Attributes:
        step: Number of finished steps.
        data: Position in the data.
    """

    step: int
    data: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of a training's folder.

    Args:
        folder: Folder of the checkpoints.
        learner: The learner whose state they have.
        distributed: This process among those that train together.
        keep: Number of checkpoints to keep; 0 keeps all.
    """

    def __init__(self, folder: Path, learner: Learner, distributed: Distributed, keep: int) -> None:
        self._folder, self._learner, self._distributed, self._keep = folder, learner, distributed, keep
        self._running: Future[Any] | None = None
        # A group of its own, since a thread writes while the training exchanges gradients.
        self._group = dist.new_group(backend="gloo") if learner.parallel.sharded else None

    def newest(self) -> Path | None:
        """Returns the newest complete checkpoint; None if there is none."""
        found = checkpoints(self._folder)
        return found[-1] if found else None

    def remove_unfinished(self) -> None:
        """Removes what a job left that was killed while it wrote a checkpoint; only the folder's owner may call it."""
        for file in self._folder.glob(f".step-*{UNFINISHED_SUFFIX}"):
            file.unlink()
        for folder in self._folder.glob("step-*/"):
            if _NAME.fullmatch(folder.name) and not (folder / _COMPLETE).exists() and _is_written_here(folder):
                shutil.rmtree(folder)

    def save(self, progress: Progress) -> None:
        """Writes a checkpoint on all ranks. That of a sharded model is written while training goes on.

        Raises:
            JobFailedError: The weights aren't finite, and nothing is written.
        """
        self.wait()
        self._check_finite(progress.step)
        state = {"format": _FORMAT, "step": progress.step, "scaler": self._learner.scaler.state_dict()}
        state["data"] = dict(progress.data)
        name = f"step-{progress.step:09d}"
        if self._learner.parallel.sharded:
            self._distributed.on_main(lambda: self._begin_folder(self._folder / name, state))
            tensors = _tensors(self._learner)
            self._running = dcp.async_save(tensors, checkpoint_id=self._folder / name, process_group=self._group)
        else:
            self._distributed.on_main(lambda: self._write_file(self._folder / f"{name}.pt", state))

    def wait(self) -> None:
        """Waits until the last checkpoint is complete, and removes the oldest ones."""
        if self._running is not None:
            self._running.result()
            self._running = None
            self._distributed.barrier()
            self._distributed.on_main(self._remove_old)

    def load(self, path: Path) -> Progress:
        """Gives the learner the state of a checkpoint.

        Raises:
            UserError: The checkpoint is damaged, has another version's format, or is a file and the model is sharded.
        """
        learner = self._learner
        if path.is_dir():
            state = read_checkpoint(path / _TRAINING)
            _load_tensors(learner, path, no_dist=self._distributed.world_size == 1)
        elif learner.parallel.sharded:
            raise UserError(f"{path} is of a model that wasn't sharded: give --parallel ddp, or another --output")
        else:
            self._distributed.on_main(lambda: _check_sums(path))
            state = read_checkpoint(path)
            learner.model.load_state_dict(state["state_dict"])
            load_optimizer(learner.optimizer, state["optimizer"])
            if learner.average is not None:
                for name, value in state["ema"].items():
                    learner.average.parameters[name].copy_(value)
        learner.scaler.load_state_dict(state["scaler"])
        return Progress(state["step"], state["data"])

    def _check_finite(self, step: int) -> None:
        weights = self._learner.model.state_dict().values()
        parts = [each.to_local() if isinstance(each, DTensor) else each for each in weights]
        if not all(self._distributed.gather(is_finite(parts))):
            raise JobFailedError(
                f"the weights aren't finite after step {step:,}, so no checkpoint is written of them: begin anew with "
                "a lower --lr or --clip-norm 1"
            )

    def _write_file(self, path: Path, state: dict[str, Any]) -> None:
        learner = self._learner
        average = {"ema": learner.average.parameters} if learner.average is not None else {}
        with atomic_write(path) as file:
            # open_clip looks for the weights under state_dict.
            weights = {"state_dict": learner.model.state_dict(), "optimizer": learner.optimizer.state_dict()}
            torch.save(state | weights | average, file)
        self._remove_old()

    def _begin_folder(self, path: Path, state: dict[str, Any]) -> None:
        if path.exists():
            shutil.rmtree(path)
        with atomic_write(path / _TRAINING) as file:
            torch.save(state, file)

    def _remove_old(self) -> None:
        for old in checkpoints(self._folder)[: -self._keep] if self._keep else []:
            if old.is_dir():
                (old / _COMPLETE).unlink()  # first, so that a part of it isn't taken for a checkpoint
                shutil.rmtree(old)
            else:
                old.unlink()


def checkpoints(folder: Path) -> list[Path]:
    """Lists the complete checkpoints of a folder from the oldest to the newest."""
    found = [path for path in folder.glob("step-*") if _NAME.fullmatch(path.name)]
    return sorted((path for path in found if path.is_file() or (path / _COMPLETE).exists()), key=step_of)


def _is_written_here(folder: Path) -> bool:
    """Returns whether a folder has nothing but parts of a sharded checkpoint."""
    parts = (_TRAINING, f".{_TRAINING}.*{UNFINISHED_SUFFIX}", f"{_COMPLETE}*", "__*.distcp")
    return all(any(fnmatchcase(path.name, part) for part in parts) for path in folder.iterdir())


def step_of(path: Path) -> int:
    """Returns the number of finished steps of a checkpoint by its name."""
    found = _NAME.fullmatch(path.name)
    assert found is not None
    return int(found[1])


def is_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Returns whether all numbers are finite, without a copy of the tensors."""
    floating = [tensor.detach() for tensor in tensors if tensor.is_floating_point() and tensor.numel()]
    largest = torch._foreach_norm(floating, float("inf")) if floating else []
    return bool(torch.isfinite(torch.stack([one.float() for one in largest])).all()) if floating else True


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Maps a checkpoint into memory, which the ranks of a node share, without running any code that it might hold.

    Raises:
        UserError: The checkpoint is damaged, or has another version's format.
    """
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is damaged or no checkpoint: {_REMEDY}") from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise UserError(
            f"{path} isn't a checkpoint of this version: begin in another --output with --pretrained {path}"
        )
    return state


def load_sharded(state: dict[str, Any], path: Path, no_dist: bool) -> None:
    """Fills tensors from a sharded checkpoint.

    Args:
        state: Tensors by their names in the checkpoint.
        path: Folder of the checkpoint.
        no_dist: Whether this process reads all of them.

    Raises:
        UserError: The checkpoint is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is")  # one process reads, as it should
            dcp.load(state, checkpoint_id=path, no_dist=no_dist)
    except CheckpointException as error:
        reasons = {f"{type(reason).__name__}: {reason}".rstrip(": ") for reason, _ in error.failures.values()}
        raise UserError(f"{path} can't be read ({'; '.join(sorted(reasons))}): {_REMEDY}") from error


def _check_sums(path: Path) -> None:
    """Reads a checkpoint once and compares its checksums, which a file that is mapped isn't compared with.

    Raises:
        UserError: The checkpoint is damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            damaged = file.testzip()
    except (OSError, zipfile.BadZipFile):
        damaged = path.name
    if damaged is not None:
        raise UserError(f"{path} is damaged or no checkpoint: {_REMEDY}")


def full_weights(learner: Learner) -> dict[str, torch.Tensor]:
    """Collects the weights of a model on rank 0's CPU, sharded or not; all ranks call it."""
    if not learner.parallel.sharded:
        return dict(learner.model.state_dict())
    return dict(get_model_state_dict(learner.model, options=StateDictOptions(full_state_dict=True, cpu_offload=True)))


def _tensors(learner: Learner) -> dict[str, Any]:
    """Returns the state that a sharded checkpoint has, by the parameters' names."""
    state = {
        "state_dict": get_model_state_dict(learner.model),
        "optimizer": get_optimizer_state_dict(learner.model, learner.optimizer),
    }
    if learner.average is not None:
        state["ema"] = learner.average.parameters
    return state


def _load_tensors(learner: Learner, path: Path, no_dist: bool) -> None:
    kernels = [{name: group.get(name) for name in ("fused", "foreach")} for group in learner.optimizer.param_groups]
    state = _tensors(learner)
    load_sharded(state, path, no_dist)
    set_model_state_dict(learner.model, state["state_dict"])
    set_optimizer_state_dict(learner.model, learner.optimizer, state["optimizer"])
    for group, kernel in zip(learner.optimizer.param_groups, kernels, strict=True):
        group.update(kernel)
