"""The identity of a process, and whether it still runs.

A process id alone identifies no process: it is used again, and each container has its own. Linux adds the boot, the
namespace of the ids, and the time at which a process started. If YARN starts a driver again, on any machine, the name
of its container contains the number of the attempt of the same application.
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
    """A process, as other processes and machines can recognize it.

    Attributes:
        host: Host name of the machine.
        boot: Ids of the boot and of the namespace that the process id belongs to; empty on systems without them.
        pid: Process id.
        started: Ticks from the boot to the start of the process; 0 on systems that don't report it.
        container: YARN's name of the container that it runs in; empty outside YARN.
    """

    host: str
    boot: str
    pid: int
    started: int
    container: str = ""

    def is_dead(self) -> bool:
        """Returns True only if it is certain that the process has ended.

        Either it belonged to this boot of this machine, or this process is a later attempt of the same application,
        which YARN starts when it has given up the one before.
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
            pass  # a process of another user has the id
        state, started = _stat(self.pid)
        return state in _ENDED or started not in (0, self.started)


def this_process() -> ProcessIdentity:
    """Returns the identity of this process."""
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
    """Returns the state and the start of a process; an empty state and 0 if they can't be read."""
    try:
        # The name before these fields may contain blanks and brackets.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[_STATE], int(fields[_START])
    except (OSError, ValueError, IndexError):
        return "", 0
