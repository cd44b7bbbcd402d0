"""Results as they come, and the time that is left."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metaclip_curate.trainer.train.hardware import peak_flops

_RATE = "pairs_per_second"


class Report:
    """Collects the results.

    Args:
        quick: Whether sizes are tiny.
        minutes: Time after which no part begins.
        output: Folder of the results.
        work: Folder for everything else.

    Attributes:
        quick: Whether sizes are tiny.
        work: Folder for files that aren't results.
        device: The GPU, else the CPU.
        gpu: Name of the GPU; empty without one.
        peak: Operations a second that the GPU can do; None if unknown.
    """

    def __init__(self, quick: bool, minutes: float, output: Path, work: Path) -> None:
        self.quick, self.work = quick, work
        self._start = time.monotonic()
        self._end = self._start + minutes * 60
        self._file = output / "gpu_training.json"
        self._results: dict[str, list[dict[str, Any]]] = {}
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda", 0) if cuda else torch.device("cpu")
        self.gpu = torch.cuda.get_device_name() if cuda else ""
        self.peak = peak_flops(self.gpu)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._end - time.monotonic()

    def add(self, part: str, **values: Any) -> None:
        """Prints and writes a result."""
        shown = {name: float(f"{one:.5g}") if isinstance(one, float) else one for name, one in values.items()}
        self._results.setdefault(part, []).append(shown)
        print(f"[{time.monotonic() - self._start:5.0f} s] {part}: {json.dumps(shown)}", flush=True)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._results, indent=1), "utf-8")

    def summarize(self) -> None:
        """Adds the ratios of our rates to the others', which the goals are about."""
        for part, others in (("steps", ("open_clip's step",)), ("trainings", ("step without data", "open_clip_train"))):
            rates: dict[tuple[str, str], list[float]] = {}
            for one in self._results.get(part, []):
                if _RATE in one:
                    rates.setdefault((one["model"], one["what"]), []).append(one[_RATE])
            for (model, what), found in list(rates.items()):
                if what in others and (model, "ours") in rates:
                    ratio = float(np.median(rates[model, "ours"]) / np.median(found))
                    self.add("summary", of=part, model=model, against=what, ratio=ratio)


def free() -> None:
    """Gives back the GPU's memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
