"""Results as they come, in a file that all processes of the run share, and the time that is left."""

from __future__ import annotations

import functools
import gc
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from metaclip_curate.trainer.train.hardware import peak_flops

_RATE = "pairs_per_second"
# What a column of the tables is called, and how its values are shown.
_COLUMNS = {
    _RATE: ("pairs/s", "{:,.0f}"),
    "mfu": ("MFU", "{:.0%}"),
    "peak_gib": ("GiB", "{:.1f}"),
    "peak_memory_gib": ("GiB", "{:.1f}"),
    "waiting_for_data": ("waiting for data", "{:.0%}"),
    "images_per_second": ("images/s", "{:,.0f}"),
    "main_process_ms": ("main process, ms an image", "{:.3f}"),
    "ratio": ("ratio", "{:.2f}"),
}


class Report:
    """Collects the results. One process at a time adds to them.

    Args:
        quick: Whether sizes are tiny.
        minutes: Time after which nothing runs any more.
        output: Folder of the results.
        work: Folder for everything else.

    Attributes:
        quick: Whether sizes are tiny.
        work: Folder for files that aren't results.
    """

    def __init__(self, quick: bool, minutes: float, output: Path, work: Path) -> None:
        self.quick, self.work = quick, work
        self._start = time.monotonic()
        self._end = self._start + minutes * 60
        self._file = output / "gpu_training.json"
        output.mkdir(parents=True, exist_ok=True)
        self._file.write_text("{}", "utf-8")

    # The process that starts the others must not ask for the GPU, since they are forked.
    @functools.cached_property
    def device(self) -> torch.device:
        """The GPU, else the CPU."""
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")

    @functools.cached_property
    def gpu(self) -> str:
        """Name of the GPU; empty without one."""
        return torch.cuda.get_device_name() if self.device.type == "cuda" else ""

    @property
    def peak(self) -> float | None:
        """Operations a second that the GPU can do; None if unknown."""
        return peak_flops(self.gpu)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._end - time.monotonic()

    def results(self) -> dict[str, list[dict[str, Any]]]:
        """Returns what was added, by part."""
        found: dict[str, list[dict[str, Any]]] = json.loads(self._file.read_text("utf-8"))
        return found

    def add(self, part: str, **values: Any) -> None:
        """Prints and writes a result."""
        shown = {name: float(f"{one:.5g}") if isinstance(one, float) else one for name, one in values.items()}
        results = self.results()
        results.setdefault(part, []).append(shown)
        print(f"[{time.monotonic() - self._start:5.0f} s] {part}: {json.dumps(shown)}", flush=True)
        whole = self._file.with_suffix(".part")
        whole.write_text(json.dumps(results, indent=1), "utf-8")
        whole.replace(self._file)

    def summarize(self) -> None:
        """Adds the ratios of our rates to the others', which the goals are about."""
        results = self.results()
        for part, others in (("steps", ("open_clip's step",)), ("trainings", ("step without data", "open_clip_train"))):
            rates: dict[tuple[str, str], list[float]] = {}
            for one in results.get(part, []):
                if _RATE in one:
                    rates.setdefault((one["model"], one["what"]), []).append(one[_RATE])
            for (model, what), found in list(rates.items()):
                if what in others and (model, "ours") in rates:
                    ratio = float(np.median(rates[model, "ours"]) / np.median(found))
                    self.add("ratios", of=part, model=model, against=what, ratio=ratio)

    def tables(self) -> str:
        """Formats the results in Markdown, one table for each part."""
        return "\n\n".join(f"### {part}\n\n{_table(rows)}" for part, rows in self.results().items())


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    titles = [_COLUMNS.get(name, (name.replace("_", " "), ""))[0] for name in names]
    lines = [titles, ["---"] * len(names), *([_cell(name, row.get(name, "")) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(name: str, value: Any) -> str:
    if name in _COLUMNS and isinstance(value, float | int):
        return _COLUMNS[name][1].format(value)
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return str(value).replace("|", "/").replace("\n", " ")


def free() -> None:
    """Gives back the GPU's memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
