"""The token files beside run.json, the last of which names the owner of a run folder.

A token is a file `run.owner-NUMBER.json`, and the highest number counts. The owner renews its token by creating the one
with the next number and deleting the one before; a run that takes over does the same. A file of a name can be created
only once (`storage.create_file`), so that of several runs that want to follow a token one succeeds, on every store. A
token is never changed: no reader sees a part of one, and no store's limit on rewriting a file applies.

Creating the file isn't enough: a process that slept may create the successor of a token that is long gone. So a run
that has created a token lists the tokens again. Its token counts only if there is no higher one and the one before
still exists, since that is deleted only after its successor was created, or when its owner ends. Otherwise another run
was faster, and the token is withdrawn.

Clocks of two machines may differ, so a time of one is never compared with a time of another. The age of a token comes
from its store, by the clock that also dated the token. The times within a token are for people.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from metaclip_curate import storage
from metaclip_curate.errors import UserError
from metaclip_curate.run.owner_token import OwnerToken
from metaclip_curate.storage import StorageOptions
from metaclip_curate.storage.run_folders import OWNER

_NAME = re.compile(rf"{re.escape(OWNER)}(\d{{8}})\.json", re.ASCII)


@dataclass(frozen=True)
class FoundToken:
    """The token that counts.

    Attributes:
        number: Number of the token.
        token: Content of the token; None for a file that isn't one.
        age: Seconds since it was written.
    """

    number: int
    token: OwnerToken | None
    age: float


@dataclass(frozen=True)
class TokenFiles:
    """The tokens of a run folder. All methods raise `OSError` and `UserError` as the store does.

    Attributes:
        root: Path or URL of the run folder.
        options: Credentials and limits for the folder.
    """

    root: str
    options: StorageOptions

    def numbers(self) -> list[int]:
        """Returns the numbers of the tokens that exist, ascending."""
        names = storage.list_folder(self.root, self.options)
        return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))

    def read(self, number: int) -> OwnerToken | None:
        """Returns the content of a token; None if the file doesn't exist or isn't a token."""
        found = storage.read_versioned(self._url(number), self.options)
        return OwnerToken.from_bytes(found.data) if found else None

    def find(self, number: int) -> FoundToken | None:
        """Returns a token with its age; None if it no longer exists."""
        token, age = self.read(number), storage.file_age(self._url(number), self.options)
        return None if age is None else FoundToken(number, token, age)

    def claim(self, token: OwnerToken, number: int, behind: int | None) -> bool:
        """Creates a token; returns whether it counts, which it doesn't if another run was faster.

        Args:
            token: Content of the token.
            number: Number of the token.
            behind: Number of the token that it follows; None if there was none.
        """
        # It may exist from an earlier try whose answer was lost.
        if storage.create_file(self._url(number), token.to_bytes(), self.options) is None:
            found = self.read(number)
            if found is None or found.id != token.id:
                return False
        numbers = self.numbers()
        follows = numbers == [number] if behind is None else behind in numbers
        if not follows or numbers[-1] != number:
            self._delete(number)
            return False
        with suppress(OSError, UserError):  # the next token's owner deletes them
            self._delete_before(number)
        return True

    def remove(self, number: int) -> None:
        """Deletes a token and those before it."""
        self._delete_before(number)  # first, since the last of those would count otherwise
        self._delete(number)

    def _delete_before(self, number: int) -> None:
        for older in self.numbers():
            if older < number:
                self._delete(older)

    def _delete(self, number: int) -> None:
        storage.delete_file(self._url(number), self.options)

    def _url(self, number: int) -> str:
        return storage.join(self.root, f"{OWNER}{number:08d}.json")
