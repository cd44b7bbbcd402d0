"""Checkpoints: one file with all that a training needs to go on, whose weights open_clip loads as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from metaclip_curate.errors import UserError
from metaclip_curate.storage.atomic_file import atomic_write

_FORMAT = 1
_NAME = re.compile(r"step-(\d+)\.pt")


def write_checkpoint(folder: Path, step: int, state: Mapping[str, Any], keep: int) -> Path:
    """Writes a checkpoint, which is there whole or not at all, and removes those that are too many.

    Args:
        folder: The folder of checkpoints.
        step: How many steps were done.
        state: Tensors, numbers, strings, lists and dictionaries; the weights as `state_dict`, where open_clip looks.
        keep: How many stay; 0: all.

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
    """The checkpoints of a folder, the newest last."""
    return sorted(path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint onto the CPU, without running code that a file might hold.

    Raises:
        UserError: It is of another version's format.
    """
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state.get("format") != _FORMAT:
        raise UserError(f"{path} is no checkpoint of this version: begin in another --output with --pretrained {path}")
    return state
