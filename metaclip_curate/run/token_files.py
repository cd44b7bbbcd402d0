"""The files beside run.json of which one, the token, says who writes a run folder; how one follows another.

A token is a file `run.owner-NUMBER.json`; the highest number counts. The owner shows that it lives by making the token
of the next number and deleting the one before; who takes over does the same. As a file of a name can be made only once
(`storage.create_file`), of all who want to follow a token one succeeds, whatever the store. A token is never changed,
so nobody sees a part of one, and no store limits how often it is written.

Making a file doesn't suffice: a process that slept may make the token after one that is long gone. So whoever has made
one looks again. It counts only if no higher one is there and the one before it still is, since that is deleted only
after its successor was made, or when its owner ends. Otherwise somebody else was faster, and it is withdrawn.

Clocks of two machines may differ, so a time of one is never compared with a time of another. How old a token is, its
store says, by the clock that also dated the token; the times within a token are for people.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run.owner_token import OwnerToken
from metaclip_curate.storage import StorageOptions

_NAME = re.compile(r"run\.owner-(\d{8})\.json", re.ASCII)


@dataclass(frozen=True)
class FoundToken:
    """The token that counts.

    Attributes:
        number: Its number.
        token: What it says; None for a file that is no token.
        age: Seconds since it was written.
    """

    number: int
    token: OwnerToken | None
    age: float


@dataclass(frozen=True)
class TokenFiles:
    """The tokens of a run folder. All methods raise `OSError` and `UserError` as the store does.

    Attributes:
        root: The run folder.
        options: How to reach it.
    """

    root: str
    options: StorageOptions

    def numbers(self) -> list[int]:
        """Returns the numbers of the tokens that are there, ascending."""
        names = storage.list_folder(self.root, self.options)
        return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))

    def read(self, number: int) -> OwnerToken | None:
        """Returns what a token says; None where there is none, or it is no token."""
        found = storage.read_versioned(self._url(number), self.options)
        return OwnerToken.from_bytes(found.data) if found else None

    def find(self, number: int) -> FoundToken | None:
        """Returns a token with its age; None where it is gone."""
        token, age = self.read(number), storage.file_age(self._url(number), self.options)
        return None if age is None else FoundToken(number, token, age)

    def claim(self, token: OwnerToken, number: int, behind: int | None) -> bool:
        """Makes a token; false where it doesn't count, since others were faster.

        Args:
            token: What it says.
            number: Its number.
            behind: The number of the one that it follows; None where there was none.
        """
        # It may be there from an earlier try whose answer was lost.
        if storage.create_file(self._url(number), token.to_bytes(), self.options) is None:
            there = self.read(number)
            if there is None or there.id != token.id:
                return False
        numbers = self.numbers()
        follows = numbers == [number] if behind is None else behind in numbers
        if not follows or numbers[-1] != number:
            self._delete(number)
            return False
        with suppress(OSError, UserError):  # who follows deletes them
            self._delete_before(number)
        return True

    def remove(self, number: int) -> None:
        """Deletes a token and those before it."""
        self._delete_before(number)  # first, as the last of those would count otherwise
        self._delete(number)

    def _delete_before(self, number: int) -> None:
        for older in self.numbers():
            if older < number:
                self._delete(older)

    def _delete(self, number: int) -> None:
        storage.delete_file(self._url(number), self.options)

    def _url(self, number: int) -> str:
        return storage.join(self.root, f"run.owner-{number:08d}.json")
