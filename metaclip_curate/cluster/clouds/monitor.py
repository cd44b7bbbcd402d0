"""Watching a run at a service: lines when something changes, and an end to everything on the way out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from metaclip_curate.console.terminal import shown

T = TypeVar("T")
Tell = Callable[[str], None]
Sleep = Callable[[float], None]
_LOOKS = 20


def tell_now(line: str) -> None:
    """Prints a line with the time of day, UTC."""
    print(time.strftime("%H:%M:%S ", time.gmtime()) + shown(line), flush=True)


@dataclass
class Follower:
    """Tells each state once.

    Attributes:
        tell: Takes the lines.
        sleep: Waits so many seconds.
        seconds: Between two looks.
    """

    tell: Tell = tell_now
    sleep: Sleep = time.sleep
    seconds: float = 30.0
    _known: dict[str, str] = field(default_factory=dict)

    def note(self, what: str, state: str, detail: str = "") -> None:
        """Tells a state that differs from the one before."""
        if self._known.get(what) != state:
            self._known[what] = state
            self.tell(f"{what}: {state}" + (f" ({detail})" if detail else ""))

    def patiently(self, look: Callable[[], T], errors: tuple[type[Exception], ...]) -> T:
        """Looks again where the connection broke: a run of hours must not end with a router that restarts.

        Args:
            look: Asks the service.
            errors: What it raises then.

        Returns:
            The answer.
        """
        for missed in range(1, _LOOKS):
            try:
                return look()
            except errors as error:
                self.tell(f"no answer ({error}), {missed} of {_LOOKS}")
                self.wait()
        return look()

    def wait(self) -> None:
        """Waits for the next look."""
        self.sleep(self.seconds)
