"""The trainer can be imported without Spark, the matcher, and the extraction's parsers."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

# Importing a module that is None in sys.modules raises ImportError.
_IMPORT_ALL = """
import importlib, pkgutil, sys
for name in ("pyspark", "py4j", "ahocorasick_rs", "fasttext", "fasttext_predict", "lxml", "img2dataset"):
    sys.modules[name] = None
import metaclip_curate.trainer
modules = ["metaclip_curate.trainer"]
for module in pkgutil.walk_packages(metaclip_curate.trainer.__path__, "metaclip_curate.trainer."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        modules.append(module.name)
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("metaclip_curate.")}
assert not rooms & {"matching", "extract", "metadata", "language", "stages", "pipelines", "spark"}, rooms
print(len(modules))
"""


def test_the_trainer_needs_neither_spark_nor_the_matcher() -> None:
    command = [sys.executable, "-c", _IMPORT_ALL]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 30  # all modules were found
