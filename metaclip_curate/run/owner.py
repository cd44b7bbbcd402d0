"""The owner of a run folder: only one run at a time writes it, and others refuse to.

The owner's token (`token_files`) lies beside run.json. The owner renews it every 30 seconds and before each save of
run.json, and removes it at the end. A run that finds another's token refuses, unless the token's process belonged to
this machine and is dead, or the token hasn't been renewed for five minutes. An owner that couldn't renew its token for
so long, because its machine slept or the network was down, finds out at the next try whether another run has taken
over, and then stops.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from metaclip_curate.console.wording import counted
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.run.owner_token import OwnerToken
from metaclip_curate.run.process_identity import ProcessIdentity, this_process
from metaclip_curate.run.token_files import FoundToken, TokenFiles
from metaclip_curate.storage import StorageOptions

_TRIES = 10  # tries to acquire while other runs start and end at the same moment
# One request of a heartbeat must not take longer than others wait for the next heartbeat.
_MOST_ATTEMPTS, _LONGEST_READ = 3, 20.0

Log = Callable[[str], None]
_Method = TypeVar("_Method", bound=Callable[..., Any])


def owning(method: _Method) -> _Method:
    """Runs a method in the `owned()` block of its object, at whose end the run folder is released."""

    @functools.wraps(method)
    def within(self: Any, *given: Any, **named: Any) -> Any:
        with self.owned():
            return method(self, *given, **named)

    return cast("_Method", within)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Pulse:
    """How often an owner renews its token, and how long others wait for that.

    Attributes:
        interval: Seconds between two heartbeats.
        patience: Seconds without a heartbeat after which a token may be taken over.
        now: Returns the time that is written to tokens.
    """

    interval: float = 30.0
    patience: float = 300.0
    now: Callable[[], datetime] = _utc_now


@dataclass(frozen=True)
class Listener:
    """Receives what happens to an ownership.

    Attributes:
        log: Receives lines about the folder.
        lost: Called once, by the heartbeat's thread, when another run has taken over.
    """

    log: Log = print
    lost: Callable[[], None] = lambda: None


class RunOwner:
    """One run's claim to a run folder. Threads may use it.

    Args:
        root: Path or URL of the run folder.
        options: Credentials and limits for the folder.
        command: Command line without secrets, which other runs can read.
        listener: Receives what happens to the ownership.
        pulse: Times between heartbeats.
        process: Identity of the owner. Default: this process.
    """

    def __init__(
        self,
        root: str,
        options: StorageOptions,
        command: str = "",
        listener: Listener | None = None,
        pulse: Pulse | None = None,
        process: ProcessIdentity | None = None,
    ) -> None:
        self._root = root
        quick = dataclasses.replace(
            options,
            max_attempts=min(options.max_attempts, _MOST_ATTEMPTS),
            read_timeout=min(options.read_timeout, _LONGEST_READ),
        )
        self._files = TokenFiles(root, quick)
        self._listener = listener or Listener()
        self._pulse = pulse or Pulse()
        self._token = OwnerToken(uuid.uuid4().hex, process or this_process(), command, self._now(), self._now())
        self._lock = threading.Lock()
        self._number = 0  # number of the token that is held; 0 for none
        self._scopes = 0
        self._lost = ""
        self._fails = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Returns a block at whose end an acquired folder is released. Of nested blocks the outermost counts.

        Raises:
            JobFailedError: Another run has taken over, and the block failed for that reason.
        """
        with self._lock:
            self._scopes += 1
        try:
            yield
        except Exception as error:
            if self._lost and not isinstance(error, JobFailedError):
                raise JobFailedError(self._lost) from error
            raise
        finally:
            with self._lock:
                self._scopes -= 1
                last = not self._scopes
            if last:
                self.release()

    def require(self) -> None:
        """Acquires the folder before the first change; before each later one, checks that it still is this run's.

        Raises:
            UserError: Another run is the owner, or the folder can't be written.
            JobFailedError: Another run has taken it over.
            OSError: The store fails.
        """
        if self._thread is None:
            self.acquire()
        else:
            self.check()

    def acquire(self) -> None:
        """Makes this run the folder's owner, and renews its token from now on.

        Raises:
            UserError: Another run is the owner, or the folder can't be written.
            OSError: The store fails.
        """
        with self._lock:
            self._lost, self._fails = "", False
            self._token = dataclasses.replace(self._token, started=self._now())
            self._acquire()
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._beat_until, args=(self._stop,), name="run-owner", daemon=True)
            self._thread.start()

    def check(self) -> None:
        """Renews the token if it still is this run's.

        Raises:
            JobFailedError: Another run has taken the folder over.
            OSError: The store fails.
            UserError: The folder can no longer be written.
        """
        with self._lock:
            if not self._lost and not self._claim(self._number + 1, behind=self._number):
                self._lost = self._who_took_it()
            if self._lost:
                raise JobFailedError(self._lost)

    def beat(self) -> None:
        """Does what `check` does without raising: a store that fails may work at the next save, which checks again."""
        if self._lost:
            return
        try:
            self.check()
            self._fails = False
        except JobFailedError as error:
            self._listener.log(f"run folder: {error}")
            self._listener.lost()
        except (OSError, UserError) as error:
            if not self._fails:
                self._listener.log(f"run folder: can't renew the token of this run ({error}); trying again")
            self._fails = True

    def other_run(self) -> str:
        """Returns the other run that is writing the folder; empty if there is none, or it can't be found out."""
        with suppress(OSError, UserError):
            numbers = self._files.numbers()
            found = self._files.find(numbers[-1]) if numbers else None
            if found and not self._why_over(found):
                return str(found.token or "an unknown run")
        return ""

    def last_command(self) -> str:
        """Returns the command line of a run that died while it wrote the folder; empty if none is known."""
        with suppress(OSError, UserError):
            numbers = self._files.numbers()
            found = self._files.find(numbers[-1]) if numbers else None
            if found and found.token and found.token.id != self._token.id and self._why_over(found):
                return found.token.command
        return ""

    def release(self) -> None:
        """Ends the ownership, so that other runs needn't wait. Logs a token that can't be removed."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None
        with self._lock:
            number, self._number = self._number, 0
            try:
                found = self._files.read(number)
                if found and found.id == self._token.id:
                    self._files.remove(number)
            except (OSError, UserError) as error:
                wait = _minutes(self._pulse.patience)
                self._listener.log(f"run folder: {self._root} can't be released ({error}); the next run waits {wait}")

    def _beat_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._pulse.interval):
            self.beat()

    def _acquire(self) -> None:
        for _ in range(_TRIES):
            numbers = self._files.numbers()
            if not numbers:
                if self._claim(1, behind=None):
                    return
                continue
            found = self._files.find(numbers[-1])
            if found is None:
                continue  # its owner has just renewed it or ended
            over = self._why_over(found)
            if not over:
                raise UserError(self._refusal(found))
            if self._claim(found.number + 1, behind=found.number):
                who = found.token or "an unknown run"
                self._listener.log(f"run folder: {self._root} is taken over from {who}, which {over}")
                return
        raise UserError(f"{self._root} is being started by several runs at once: wait until they have ended")

    def _claim(self, number: int, behind: int | None) -> bool:
        claimed = self._files.claim(dataclasses.replace(self._token, heartbeat=self._now()), number, behind)
        if claimed:
            self._number = number
        return claimed

    def _why_over(self, found: FoundToken) -> str:
        """Returns why a token no longer counts, in words that follow its owner; empty while it counts."""
        if found.token and found.token.id == self._token.id:
            return "could not release it"
        if found.token and found.token.process.is_dead():
            return "has died"
        if found.age >= self._pulse.patience:
            return f"has not shown for {_minutes(found.age)} that it lives"
        return ""

    def _refusal(self, found: FoundToken) -> str:
        who = f"{found.token} since {found.token.since}" if found.token else "an unknown run"
        return (
            f"{self._root} is being written by {who}: wait until it has ended, end it, or give another --output. It "
            f"was last seen alive {counted(max(0, round(found.age)), 'second')} ago; if it has died since, start again "
            f"{_minutes(self._pulse.patience)} after that"
        )

    def _who_took_it(self) -> str:
        numbers = self._files.numbers()
        token = self._files.read(numbers[-1]) if numbers else None
        who = f"by {token} at {token.since}" if token else "by a run that has ended since, or its token was removed"
        return (
            f"{self._root} was taken over {who}: this run stops and saves nothing more; when the other one has ended, "
            "start it again"
        )

    def _now(self) -> str:
        return self._pulse.now().isoformat(timespec="seconds")


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes:,} minutes" if minutes > 1 else counted(round(seconds), "second")
