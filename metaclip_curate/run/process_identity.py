"""Which process this is, and whether one that was named so still lives.

A number alone names no process: it is used again, and each container counts its own. Linux tells the rest: the boot,
the namespace that the numbers belong to, and when a process started. Where YARN starts a driver again, on whatever
machine, it says by the container's name which attempt of the same application it is.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STATE, _START = 0, 19  # fields of /proc/PID/stat behind the name, counted from the state (proc(5))
_ENDED = ("Z", "X", "x")
_CONTAINER = re.compile(r"container_(?:e\d+_)?(\d+_\d+)_(\d+)_\d+", re.ASCII)


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, as others may know it.

    Attributes:
        host: The machine's name.
        boot: The boot that the numbers are of, with their namespace; empty where the system tells none.
        pid: Its number.
        started: Ticks since the boot at which it started; 0 where the system doesn't tell.
        container: YARN's name of the container it runs in; empty outside of YARN.
    """

    host: str
    boot: str
    pid: int
    started: int
    container: str = ""

    def is_dead(self) -> bool:
        """True only where it is sure: the process was of this boot of this machine, and has ended.

        Or this process is a later attempt of the same application: YARN makes one when it has given the last one up.
        """
        if _is_later_attempt(_container(), self.container):
            return True
        if not self.boot or (self.host, self.boot) != (socket.gethostname(), _boot()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # another user's, so it lives or is another process
        state, started = _stat(self.pid)
        return state in _ENDED or started not in (0, self.started)


def this_process() -> ProcessIdentity:
    """The process that asks."""
    pid = os.getpid()
    return ProcessIdentity(socket.gethostname(), _boot(), pid, _stat(pid)[1], _container())


def _container() -> str:
    return os.environ.get("CONTAINER_ID", "")


def _is_later_attempt(container: str, before: str) -> bool:
    now, then = _CONTAINER.fullmatch(container), _CONTAINER.fullmatch(before)
    return now is not None and then is not None and now[1] == then[1] and int(now[2]) > int(then[2])


def _boot() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _stat(pid: int) -> tuple[str, int]:
    """A process's state and start; an empty state and 0 where they can't be read."""
    try:
        # The name before may have blanks and brackets of its own.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[_STATE], int(fields[_START])
    except (OSError, ValueError, IndexError):
        return "", 0
