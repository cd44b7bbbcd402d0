"""Metrics of a training, as JSON lines and for TensorBoard."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.storage.atomic_file import atomic_write

METRICS = "metrics.jsonl"
_TENSORBOARD = "tensorboard"


class MetricsWriter:
    """Writes the metrics of steps in ascending order.

    Args:
        folder: The training's folder.
        step: Step from which the training goes on. Metrics of later steps, which no checkpoint has, are removed.
        wandb: Project of Weights & Biases to which metrics are sent as well; empty for none.

    Raises:
        UserError: wandb isn't installed.
    """

    def __init__(self, folder: Path, step: int, wandb: str = "") -> None:
        path = folder / METRICS
        kept = [line for line in path.read_text("utf-8").splitlines() if _step(line) <= step] if path.exists() else []
        with atomic_write(path) as file:
            file.write("".join(f"{line}\n" for line in kept).encode())
        self._lines = path.open("a", encoding="utf-8")
        self._run = _wandb_run(wandb, folder) if wandb else None
        self._board = SummaryWriter(str(folder / _TENSORBOARD), purge_step=step + 1 if step else None)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the metrics of a step; NaN and infinities become null."""
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        self._lines.write(json.dumps({"step": step, **finite}) + "\n")
        self._lines.flush()
        for name, value in finite.items():
            if value is not None:
                self._board.add_scalar(name, value, step)
        if self._run is not None:
            self._run.log({name: value for name, value in finite.items() if value is not None}, step=step)

    def __enter__(self) -> MetricsWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._board.close()
        if self._run is not None:
            self._run.finish()


def _wandb_run(project: str, folder: Path) -> Any:
    try:
        wandb = importlib.import_module("wandb")
    except ImportError as error:
        raise UserError(f"--wandb needs wandb: {install_extra('wandb')}") from error
    # The same folder goes on with the same run.
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return wandb.init(project=project, id=name, resume="allow", dir=str(folder))


def _step(line: str) -> float:
    """Returns the step of a line, or infinity if the line broke off."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf
