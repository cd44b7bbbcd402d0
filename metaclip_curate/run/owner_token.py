"""The file that a run keeps beside run.json while it writes the folder: its process, and its last heartbeat."""

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
        id: Random id of the owner.
        process: Process of the owner.
        command: Command line of the owner; empty if it was started otherwise.
        started: Time at which the folder was acquired, in ISO 8601 and UTC, by the owner's clock.
        heartbeat: Time at which this token was written, in the same form.
    """

    id: str
    process: ProcessIdentity
    command: str
    started: str
    heartbeat: str

    def to_bytes(self) -> bytes:
        """Returns the token as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> OwnerToken | None:
        """Reads a token; returns None for bytes that aren't one."""
        try:
            fields: dict[str, Any] = json.loads(data)
            process = fields.pop("process")
            pid, started = int(process["pid"]), int(process["started"])
            identity = ProcessIdentity(
                str(process["host"]), str(process["boot"]), pid, started, str(process.get("container", ""))
            )
            token = cls(process=identity, **{name: str(value) for name, value in fields.items()})
            datetime.fromisoformat(token.started)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        return token if 0 < pid <= _LARGEST_PID else None

    def __str__(self) -> str:
        """Returns the owner in words, for messages."""
        host = "".join(c if c.isprintable() else "?" for c in self.process.host)
        return f"process {self.process.pid} on {host}"

    @property
    def since(self) -> str:
        """Time at which the folder was acquired, in words."""
        return f"{datetime.fromisoformat(self.started).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
