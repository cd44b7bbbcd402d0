"""The requirements of an environment on the machine that runs it."""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Parts of glibc, whose lowest version is reported separately.
_GLIBC = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|crypt|nsl)\.so.*)$")
_NEEDED = re.compile(rb"\blib[\w+-]+\.so(?:\.\d+)*")


def built_for(stage: Path) -> dict[str, Any]:
    """Determines the machines that an environment runs on.

    Args:
        stage: The environment.

    Returns:
        `tag`: platform tag for the archive's name; `python`: version; `glibc`: oldest version with all symbols that are
        used, or None without programs for Linux; `libraries`: shared libraries that its standard library needs.
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
    """Lists libraries that the interpreter's modules need. Wheels include theirs, or use only glibc (PEP 600)."""
    carried = {path.name for path in (stage / "lib").glob("*.so*")}
    names = {
        name.decode()
        for module in stage.glob("lib*/python*/lib-dynload/*.so")
        for name in _NEEDED.findall(module.read_bytes())
    }
    return sorted(name for name in names - carried if not _GLIBC.match(name))
