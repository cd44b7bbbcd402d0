"""The trainer runs where there is no Spark."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

_TRAINER = """
import importlib, pkgutil, sys
sys.modules["pyspark"] = sys.modules["img2dataset"] = None
import metaclip_curate.trainer
for module in pkgutil.walk_packages(metaclip_curate.trainer.__path__, "metaclip_curate.trainer."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("imported", "py4j" in sys.modules)
"""


def test_the_trainer_needs_no_spark() -> None:
    done = subprocess.run([sys.executable, "-c", _TRAINER], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "imported False\n"
