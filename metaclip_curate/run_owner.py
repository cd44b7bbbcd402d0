"""Who writes a run folder: one run at a time, which other runs can tell from a token beside run.json.

A token is a file `run.owner-NUMBER.json`; the highest number counts. The owner shows that it lives by making the token
of the next number and deleting the one before, every 30 seconds and before each save of run.json; who takes over does
the same. As a file of a name can be made only once (`storage.create_file`), of all who want to follow a token one
succeeds, whatever the store. A token is never changed, so nobody sees a part of one, and no store limits how often it
is written.

Making a file doesn't suffice: a process that slept may make the token after one that is long gone. So whoever has made
one looks again. It counts only if no higher one is there and the one before it still is, since that is deleted only
after its successor was made, or when its owner ends. Otherwise somebody else was faster, and it is withdrawn.

Clocks of two machines may differ, so a time of one is never compared with a time of another. How old a token is, its
store says, by the clock that also dated the token; the times within a token are for people.
"""

from __future__ import annotations

import dataclasses
import re
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from metaclip_curate import storage
from metaclip_curate.errors import JobFailedError, UserError
from metaclip_curate.owner_token import OwnerToken
from metaclip_curate.process_identity import ProcessIdentity, this_process
from metaclip_curate.storage import StorageOptions

_NAME = re.compile(r"run\.owner-(\d{8})\.json", re.ASCII)
_TRIES = 10  # of acquiring, while others start and end at the same moment
# A heartbeat must not be busy with one request for longer than others wait for the next.
_MOST_ATTEMPTS, _LONGEST_READ = 3, 20.0

Tell = Callable[[str], None]


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Pulse:
    """How often an owner shows that it lives, and how long others wait for it.

    Attributes:
        interval: Seconds between two heartbeats.
        patience: Seconds without one after which a token may be taken over.
        now: Gives the time that is noted in tokens.
    """

    interval: float = 30.0
    patience: float = 300.0
    now: Callable[[], datetime] = _utc_now


class RunOwner:
    """One run's claim to a run folder. Threads may use it.

    Args:
        root: The run folder.
        options: How to reach it.
        command: What was started, for others to read; without secrets.
        tell: Takes lines about what goes on.
        pulse: How often it shows that it lives.
        process: Who it is; by default this process.
    """

    def __init__(
        self,
        root: str,
        options: StorageOptions,
        command: str = "",
        tell: Tell = print,
        pulse: Pulse | None = None,
        process: ProcessIdentity | None = None,
    ) -> None:
        self._root = root
        self._options = dataclasses.replace(
            options,
            max_attempts=min(options.max_attempts, _MOST_ATTEMPTS),
            read_timeout=min(options.read_timeout, _LONGEST_READ),
        )
        self._tell = tell
        self._pulse = pulse or Pulse()
        now = self._pulse.now().isoformat(timespec="seconds")
        self._token = OwnerToken(uuid.uuid4().hex, process or this_process(), command, now, now)
        self._lock = threading.Lock()
        self._number = 0  # of the token that is held; 0: none
        self._lost = ""
        self._fails = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Makes this run the folder's owner, and shows from now on that it lives.

        Raises:
            UserError: Another run is the owner, or the folder can't be written.
        """
        self._lost, self._fails = "", False
        now = self._pulse.now().isoformat(timespec="seconds")
        self._token = dataclasses.replace(self._token, started=now)
        try:
            with self._lock:
                self._acquire()
        except OSError as error:
            raise UserError(
                f"can't write to {self._root} ({error.strerror or error}): give another --output"
            ) from error
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat_until, args=(self._stop,), name="run-owner", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Makes sure that this run still is the owner, and says so to others.

        Raises:
            JobFailedError: Another run has taken the folder over.
            OSError: The store fails.
            UserError: The folder can't be written any more.
        """
        with self._lock:
            if not self._lost and not self._claim(self._number + 1, behind=self._number):
                self._lost = self._who_took_it()
            if self._lost:
                raise JobFailedError(self._lost)

    def beat(self) -> None:
        """As `check`, but a store that fails now may be back in time for the next save, which checks again."""
        if self._lost:
            return
        try:
            self.check()
            self._fails = False
        except JobFailedError as error:
            self._tell(f"run folder: {error}")
        except (OSError, UserError) as error:
            if not self._fails:
                self._tell(f"run folder: can't show that this run lives ({error}); tried again and again")
            self._fails = True

    def release(self) -> None:
        """Ends the ownership, so that others needn't wait. What can't be removed is told: others wait then."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None
        with self._lock:
            number, self._number = self._number, 0
            try:
                if not self._is_mine(number):
                    return
                # The own token last: an older one that stayed would count then.
                for older in self._numbers():
                    if older < number:
                        storage.delete_file(self._url(older), self._options)
                storage.delete_file(self._url(number), self._options)
            except (OSError, UserError) as error:
                patience = _minutes(self._pulse.patience)
                self._tell(f"run folder: {self._root} can't be released ({error}); the next run waits {patience}")

    def _beat_until(self, stop: threading.Event) -> None:
        while not stop.wait(self._pulse.interval):
            self.beat()

    def _acquire(self) -> None:
        for _ in range(_TRIES):
            numbers = self._numbers()
            if not numbers:
                if self._claim(1, behind=None):
                    return
                continue
            last = numbers[-1]
            found = storage.look(self._url(last), self._options)
            age = storage.age(self._url(last), self._options)
            if found is None or age is None:
                continue  # its owner has just gone on or ended
            before = OwnerToken.from_bytes(found.data)
            over = self._why_over(before, age)
            if not over:
                raise UserError(self._refusal(before, age))
            if self._claim(last + 1, behind=last):
                self._tell(f"run folder: {self._root} is taken over from {before or 'an unknown run'}, which {over}")
                return
        raise UserError(f"{self._root} is wanted by several runs at once: wait until they have ended")

    def _why_over(self, token: OwnerToken | None, age: float) -> str:
        """What its owner did that a token no longer counts; empty while it does."""
        if token and token.id == self._token.id:
            return "could not release it"
        if token and token.process.is_dead():
            return "has died"
        if age >= self._pulse.patience:
            return f"has not shown for {_minutes(age)} that it lives"
        return ""

    def _claim(self, number: int, behind: int | None) -> bool:
        """Makes the token of a number; false where it doesn't count.

        Args:
            number: The token's.
            behind: The number that it follows; None where there was no token.
        """
        url = self._url(number)
        token = dataclasses.replace(self._token, heartbeat=self._pulse.now().isoformat(timespec="seconds"))
        # It may be there from an earlier try whose answer was lost.
        if storage.create_file(url, token.to_bytes(), self._options) is None and not self._is_mine(number):
            return False
        numbers = self._numbers()
        alone = numbers == [number]
        if max(numbers, default=0) != number or not (alone if behind is None else behind in numbers):
            storage.delete_file(url, self._options)
            return False
        self._number = number
        for older in numbers[:-1]:
            with suppress(OSError, UserError):  # the next heartbeat deletes it
                storage.delete_file(self._url(older), self._options)
        return True

    def _is_mine(self, number: int) -> bool:
        found = storage.look(self._url(number), self._options)
        token = OwnerToken.from_bytes(found.data) if found else None
        return token is not None and token.id == self._token.id

    def _numbers(self) -> list[int]:
        names = storage.list_folder(self._root, self._options)
        return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))

    def _url(self, number: int) -> str:
        return storage.join(self._root, f"run.owner-{number:08d}.json")

    def _refusal(self, token: OwnerToken | None, age: float) -> str:
        who = f"{token} since {token.since}" if token else "an unknown run"
        return (
            f"{self._root} is being written by {who}: wait until it has ended, end it, or give another --output "
            f"(if it died, start again {_minutes(self._pulse.patience)} after it last showed that it lives, "
            f"{max(0.0, age):.0f} seconds ago)"
        )

    def _who_took_it(self) -> str:
        numbers = self._numbers()
        found = storage.look(self._url(numbers[-1]), self._options) if numbers else None
        token = OwnerToken.from_bytes(found.data) if found else None
        who = f"by {token} at {token.since}" if token else "by a run that has ended since, or its token was removed"
        return (
            f"{self._root} was taken over {who}: this run stops and saves nothing more; when the other one has ended, "
            "start it again"
        )


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes:,} minutes" if minutes > 1 else f"{seconds:.0f} seconds"
