"""The trainer and the rest are apart: neither imports what the other needs."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

# Modules that are None can't be imported.
_ALL_BUT_THE_TRAINER = """
import importlib, pkgutil, sys
sys.modules["torch"] = sys.modules["webdataset"] = sys.modules["img2dataset"] = sys.modules["PIL"] = None
import metaclip_curate
for module in pkgutil.walk_packages(metaclip_curate.__path__, "metaclip_curate."):
    if module.name.startswith(("metaclip_curate.trainer", "metaclip_curate.images.img2dataset_downloader")):
        continue
    importlib.import_module(module.name)
print("imported", len(sys.modules))
"""


def test_nothing_but_the_trainer_needs_torch() -> None:
    command = [sys.executable, "-c", _ALL_BUT_THE_TRAINER]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("imported ")
