"""What an environment needs of the machine it is unpacked on."""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Parts of glibc, which the lowest version stands for.
_GLIBC = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|crypt|nsl)\.so.*)$")
_NEEDED = re.compile(rb"\blib[\w+-]+\.so(?:\.\d+)*")


def built_for(stage: Path) -> dict[str, Any]:
    """Says what the environment runs on.

    Args:
        stage: The environment.

    Returns:
        `tag`, for its name; `python`, its version; `glibc`, the oldest that has all the symbols used; `libraries`, the
        shared libraries of its standard library that the machine must have; None and an empty list where it has no
        programs for Linux.
    """
    versions = [(2, int(minor)) for data in map(Path.read_bytes, _programs(stage)) for minor in _glibc_minors(data)]
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}-{sysconfig.get_platform().replace('-', '_')}"
    return {
        "tag": tag,
        "python": platform.python_version(),
        "glibc": ".".join(map(str, max(versions))) if versions else None,
        "libraries": _libraries(stage),
    }


def _programs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and (".so" in path.name or path.parent.name == "bin"):
            yield path


def _glibc_minors(data: bytes) -> list[bytes]:
    return re.findall(rb"GLIBC_2\.(\d+)\0", data)


def _libraries(stage: Path) -> list[str]:
    """Names of libraries in the interpreter's own modules. Wheels carry theirs, or use glibc alone (PEP 600)."""
    carried = {path.name for path in (stage / "lib").glob("*.so*")}
    names = {
        name.decode()
        for module in stage.glob("lib*/python*/lib-dynload/*.so")
        for name in _NEEDED.findall(module.read_bytes())
    }
    return sorted(name for name in names - carried if not _GLIBC.match(name))
