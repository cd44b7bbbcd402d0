"""The wheel, built from a clean copy of the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from metaclip_curate.errors import UserError

_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "metaclip_curate")
# 1980-01-01, the first day that a zip file can name: the same sources give the same bytes on any day.
_SOURCE_DATE_EPOCH = "315532800"


def build_wheel(root: Path, output: Path) -> Path:
    """Builds the wheel without the network, with the setuptools that is installed.

    setuptools leaves its build folder in the sources and takes what it finds there into the next wheel, so it is
    given a copy. Symbolic links, by which the package has the data of metadata/, become files.

    Args:
        root: The project.
        output: The folder to put the wheel in; other wheels of the project in it are removed.

    Returns:
        The wheel.

    Raises:
        UserError: It can't be built.
    """
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "sources"
        clean.mkdir()
        for name in _SOURCES:
            source = root / name
            if source.is_dir():
                shutil.copytree(source, clean / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, clean / name)
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
        command += ["--wheel-dir", str(Path(folder) / "built"), str(clean)]
        environment = os.environ | {"SOURCE_DATE_EPOCH": _SOURCE_DATE_EPOCH, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise UserError(f"the wheel can't be built: pip says {answer.stderr.strip() or answer.stdout.strip()}")
        built = next((Path(folder) / "built").glob("*.whl"))
        for old in output.glob("metaclip_curate-*.whl"):
            old.unlink()
        return Path(shutil.copyfile(built, output / built.name))
