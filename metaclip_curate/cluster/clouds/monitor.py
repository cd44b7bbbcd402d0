"""Polling a service until a run ends: a line when a state changes, and patience with broken connections."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from metaclip_curate.console.terminal import shown
from metaclip_curate.errors import JobFailedError

T = TypeVar("T")
Log = Callable[[str], None]
Sleep = Callable[[float], None]
_ATTEMPTS = 20


def log_with_time(line: str) -> None:
    """Prints a line with the time of day in UTC."""
    print(time.strftime("%H:%M:%S ", time.gmtime()) + shown(line), flush=True)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turns Ctrl-C into an error that says how the run goes on."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise JobFailedError("stopped; the same command goes on where it was") from error


@dataclass
class Monitor:
    """Polls states and logs each change once.

    Attributes:
        log: Function that prints a line.
        sleep: Function that waits for a number of seconds.
        seconds: Seconds between two requests.
    """

    log: Log = log_with_time
    sleep: Sleep = time.sleep
    seconds: float = 30.0
    _states: dict[str, str] = field(default_factory=dict)

    def report(self, name: str, state: str, detail: str = "") -> None:
        """Logs the state of a cluster, an application or a stage if it has changed."""
        if self._states.get(name) != state:
            self._states[name] = state
            self.log(f"{name}: {state}" + (f" ({detail})" if detail else ""))

    def wait_until(self, name: str, poll: Callable[[], tuple[str, str]], states: Collection[str]) -> tuple[str, str]:
        """Polls until one of some states is reached.

        Args:
            name: The cluster, application or stage.
            poll: Requests the state and its detail.
            states: The states to wait for.

        Returns:
            The state that was reached, and its detail.
        """
        while True:
            state, detail = poll()
            self.report(name, state, detail)
            if state in states:
                return state, detail
            self.wait()

    def retry(self, request: Callable[[], T], errors: tuple[type[Exception], ...]) -> T:
        """Repeats a request while the connection breaks, so that a router's restart doesn't end a run of hours.

        Args:
            request: The request.
            errors: Exceptions that a broken connection raises.

        Returns:
            The result of the request.
        """
        for attempt in range(1, _ATTEMPTS):
            try:
                return request()
            except errors as error:
                self.log(f"no answer ({error}), {attempt} of {_ATTEMPTS}")
                self.wait()
        return request()

    def wait(self) -> None:
        """Waits until the next request."""
        self.sleep(self.seconds)
