"""Checkpoints: one file with the whole state of a training, from which open_clip loads the weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import atomic_write

_FORMAT = 1
_NAME = re.compile(r"step-(\d+)\.pt")


def write_checkpoint(folder: Path, step: int, state: Mapping[str, Any], keep: int) -> Path:
    """Writes a checkpoint, which appears whole or not at all, and removes the oldest ones.

    Args:
        folder: Folder of the checkpoints.
        step: Number of finished steps.
        state: Tensors, numbers, strings, lists and dictionaries, with the weights under `state_dict`, where open_clip
            looks for them.
        keep: Number of checkpoints to keep; 0 keeps all.

    Returns:
        The file.
    """
    path = folder / f"step-{step:09d}.pt"
    with atomic_write(path) as file:
        torch.save({"format": _FORMAT, "step": step, **state}, file)
    for old in checkpoints(folder)[:-keep] if keep else []:
        old.unlink()
    return path


def checkpoints(folder: Path) -> list[Path]:
    """Lists the checkpoints of a folder from the oldest to the newest."""
    return sorted(path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name))


def newest_checkpoint(folder: Path) -> Path | None:
    """Returns the newest checkpoint of a folder; None if it has none."""
    found = checkpoints(folder)
    return found[-1] if found else None


def is_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Returns whether all numbers are finite, without a copy of the tensors."""
    floating = [tensor.detach() for tensor in tensors if tensor.is_floating_point() and tensor.numel()]
    largest = torch._foreach_norm(floating, float("inf"))
    return bool(torch.isfinite(torch.stack([one.float() for one in largest])).all()) if floating else True


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Maps a checkpoint into memory, which the ranks of a node share, without running any code that it might hold.

    Raises:
        UserError: The checkpoint has another version's format.
    """
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if state.get("format") != _FORMAT:
        raise UserError(
            f"{path} isn't a checkpoint of this version: begin in another --output with --pretrained {path}"
        )
    return state
