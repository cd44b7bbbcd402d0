"""The folder that the archive holds: Python, the project with its requirements, and the job scripts."""

from __future__ import annotations

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import zipfile
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import Any

from deploy.packaging.closure import required_distributions
from deploy.packaging.interpreter import copy_interpreter, packages_folder
from deploy.packaging.machine import built_for
from metaclip_curate.errors import UserError

ABOUT = "environment.json"
# Parts of a package that are left out: files outside of its folder, tests, C headers, bytecode, and its origin.
_LEFT_OUT = {"..", "tests", "include", "__pycache__", "direct_url.json"}
_COMMAND = """#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -s -c \
'import sys; from metaclip_curate.cli import main; sys.exit(main())' "$@"
"""


def stage_environment(wheel: Path, jobs: Path, extras: tuple[str, ...], stage: Path) -> None:
    """Creates the folder and tests it.

    Args:
        wheel: Wheel of the project.
        jobs: Folder of the spark-submit scripts.
        extras: Extras of the project whose packages are included.
        stage: Folder to create.

    Raises:
        UserError: A package is missing, or this Python doesn't run from another folder.
    """
    copy_interpreter(stage)
    packages = packages_folder(stage)
    packages.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(packages)
    project = PathDistribution(next(packages.glob("metaclip_curate-*.dist-info")))
    needed = required_distributions(project, extras)
    for distribution in needed:
        _copy_distribution(distribution, packages)
    shutil.copytree(jobs, stage / "jobs", ignore=shutil.ignore_patterns("__pycache__"))
    command = stage / "bin" / "metaclip-curate"
    command.write_text(_COMMAND)
    command.chmod(0o755)
    _compile(stage)
    _test(stage)
    about: dict[str, Any] = built_for(stage)
    about["packages"] = {one.name: one.version for one in (project, *needed)}
    (stage / ABOUT).write_text(json.dumps(about, indent=1) + "\n")


def describe(stage: Path) -> dict[str, Any]:
    """Reads the description of an environment: Python, platform, requirements of the machine, and versions."""
    about: dict[str, Any] = json.loads((stage / ABOUT).read_text())
    return about


def _copy_distribution(distribution: Distribution, packages: Path) -> None:
    if distribution.files is None:
        raise UserError(f"{distribution.name} has no list of its files: pip install --force-reinstall it")
    for file in distribution.files:
        # Scripts in bin/ contain the path of the Python that they were installed for, and workers don't run them.
        if _LEFT_OUT.intersection(file.parts):
            continue
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(file.locate()), target)


def _compile(stage: Path) -> None:
    """Compiles all modules to bytecode that depends neither on a time nor on the folder."""
    compileall.compile_dir(
        stage,
        quiet=2,  # some packages contain templates in the syntax of other versions
        workers=0,
        stripdir=str(stage),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _test(stage: Path) -> None:
    """Runs the environment as on a worker: without variables, from another folder, without the machine's packages."""
    here = os.path.realpath(stage)
    moved = f"import sys, ssl, ctypes; assert sys.prefix == {here!r} and all({here!r} in path for path in sys.path)"
    _run(
        here,
        moved,
        "this Python doesn't run from another folder: use one of python.org, pyenv or `uv python install`",
    )
    _run(
        here,
        "import numpy, pyarrow, pandas, boto3, metaclip_curate.commands.program",
        "the environment is incomplete, perhaps without a dependency that pyproject.toml doesn't name",
    )


def _run(here: str, code: str, problem: str) -> None:
    answer = subprocess.run(
        [f"{here}/bin/python", "-B", "-I", "-c", code], env={}, cwd="/", capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise UserError(f"{problem}. Its error: {answer.stderr.strip()[-500:]}")
