"""Killing a process with all that came of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def kill_session(process: subprocess.Popen[str]) -> None:
    """Kills a process and all that came of it, with SIGKILL and at once.

    Args:
        process: Started with `start_new_session=True`. Spark's Python workers make a process group of their own, so
            the group is not enough: whoever is of the same session is meant.
    """
    for _ in range(3):  # a process that is killed last may just have started another one
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(int(folder.name)) == process.pid:
                    os.kill(int(folder.name), signal.SIGKILL)
    process.wait()
