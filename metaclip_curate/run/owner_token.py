"""What a run leaves beside run.json while it writes the folder: who it is, and when it was last alive."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from metaclip_curate.run.process_identity import ProcessIdentity

_LARGEST_PID = 2**31 - 1


@dataclass(frozen=True)
class OwnerToken:
    """The content of a token.

    Attributes:
        id: Random; of one owner only.
        process: Who it is.
        command: What was started; empty where it was no command.
        started: When the folder was acquired, in ISO 8601 and UTC, by the owner's clock.
        heartbeat: When this token was written, likewise.
    """

    id: str
    process: ProcessIdentity
    command: str
    started: str
    heartbeat: str

    def to_bytes(self) -> bytes:
        """Returns it as it is stored."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> OwnerToken | None:
        """Reads a token; None for what isn't one."""
        try:
            fields: dict[str, Any] = json.loads(data)
            process = fields.pop("process")
            pid, started = int(process["pid"]), int(process["started"])
            place = str(process["host"]), str(process["boot"])
            who = ProcessIdentity(*place, pid, started, str(process.get("container", "")))
            token = cls(process=who, **{name: str(value) for name, value in fields.items()})
            datetime.fromisoformat(token.started)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        return token if 0 < pid <= _LARGEST_PID else None

    def __str__(self) -> str:
        """The owner in words, for one line of a console."""
        host = "".join(c if c.isprintable() else "?" for c in self.process.host)
        return f"process {self.process.pid} on {host}"

    @property
    def since(self) -> str:
        """When the folder was acquired, in words."""
        return f"{datetime.fromisoformat(self.started).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
