"""Building the wheel from a clean copy of the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from metaclip_curate.errors import UserError

_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "metaclip_curate")
# 1980-01-01, the first day that a zip file can represent, so that the same sources give the same bytes on any day.
_SOURCE_DATE_EPOCH = "315532800"


def build_wheel(root: Path, output: Path) -> Path:
    """Builds the wheel without network, with the installed setuptools.

    setuptools leaves its build folder among the sources and includes its files in the next wheel, so it gets a copy of
    the sources. Symbolic links, by which the package includes the data of metadata/, become files.

    Args:
        root: Root of the project.
        output: Folder for the wheel, from which other wheels of the project are removed.

    Returns:
        The wheel.

    Raises:
        UserError: The build failed.
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
            raise UserError(f"the wheel can't be built: pip reports {answer.stderr.strip() or answer.stdout.strip()}")
        built = next((Path(folder) / "built").glob("*.whl"))
        for old in output.glob("metaclip_curate-*.whl"):
            old.unlink()
        return Path(shutil.copyfile(built, output / built.name))
