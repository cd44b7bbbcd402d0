"""One file from an HTTP server, whole and checked, in as many goes as it takes.

It is written to NAME.part beside a note of which version that is, and takes its name when it is complete and its
checksum is right. A later call goes on where the part ends, if the server still has that version. What breaks within a
call is the affair of `storage`: waits, Retry-After, Range.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metaclip_curate import __version__
from metaclip_curate.errors import UserError
from metaclip_curate.storage import InputError, InputStream, StorageOptions, public_name
from metaclip_curate.storage.http_source import AS_STORED, HttpSource
from metaclip_curate.storage.input_stream import read_whole
from metaclip_curate.storage.retry import MissingError, RefusedError
from metaclip_curate.storage.source import Connection, Version

_PIECE = 1 << 20
_MOST_BYTES = 1 << 26  # of a file that is read into memory: lists of names and checksums
_CHANGED = "it changed since its first part was downloaded"


@dataclass(frozen=True)
class Checksum:
    """What a file's bytes must come to: the name of a hash in hashlib, and its hex digits."""

    kind: str
    digits: str


@dataclass(frozen=True)
class Client:
    """How files are asked for.

    Attributes:
        options: How patiently.
        contact: An address by which a server's people can reach the user, for the User-Agent; empty for none.
        sleep: Waits between attempts.
    """

    options: StorageOptions
    contact: str = ""
    sleep: Callable[[float], None] = field(default=time.sleep)

    def headers(self) -> dict[str, str]:
        """The headers of a request. Wikimedia asks that User-Agent names the program and a contact."""
        contact = f" ({self.contact})" if self.contact else ""
        return {**AS_STORED, "User-Agent": f"metaclip-curate/{__version__}{contact}"}

    def source(self, url: str) -> HttpSource:
        """The bytes of a URL."""
        return HttpSource(url, self.options.read_timeout, self.headers)

    def read(self, url: str) -> bytes | None:
        """A small file; None where there is none.

        Raises:
            UserError: The server can't be reached, refuses, or sends more than 64 MiB.
        """
        try:
            with InputStream(public_name(url), self.source(url), self.options, self.sleep) as stream:
                return read_whole(stream, _MOST_BYTES)
        except InputError as error:
            if isinstance(error.__cause__, MissingError):
                return None
            raise UserError(f"{error}: look whether the address is right, or try again later") from error


@dataclass(frozen=True)
class Fetched:
    """A file that is complete.

    Attributes:
        bytes: Its size.
        sha256: Its digest.
        resumed_at: Bytes that an earlier call had downloaded.
    """

    bytes: int
    sha256: str
    resumed_at: int


def fetch_file(url: str, target: Path, checksum: Checksum | None, client: Client) -> Fetched | None:
    """Downloads a file, or goes on with one.

    Args:
        url: http:// or https://.
        target: Where it goes; an earlier file of that name is replaced.
        checksum: What its bytes must come to, where that is known.
        client: How to ask.

    Returns:
        None where the server has no such file.

    Raises:
        UserError: It can't be had, or comes with a wrong checksum twice.
    """
    part = _Part(url, target)
    for last in (False, True):
        try:
            fetched = part.go_on(checksum, client)
        except InputError as error:
            if isinstance(error.__cause__, MissingError):
                part.remove()
                return None
            if part.resumes and not last and isinstance(error.__cause__, RefusedError):
                part.remove()
                continue
            raise UserError(f"{error}: the same command goes on where it stopped") from error
        if checksum is None or part.digests[checksum.kind] == checksum.digits.lower():
            part.finish()
            return fetched
        found = part.digests[checksum.kind]
        part.remove()
        if last:
            raise UserError(
                f"{public_name(url)} has the {checksum.kind} {found} and should have {checksum.digits}, twice: "
                "try again later"
            )
    raise AssertionError("the last go either returns or raises")


class _Part:
    """A file on its way."""

    def __init__(self, url: str, target: Path) -> None:
        self._url = url
        self._target = target
        self._path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")
        self.digests: dict[str, str] = {}
        self.resumes = False

    def go_on(self, checksum: Checksum | None, client: Client) -> Fetched:
        """Downloads what is missing; `digests` has what all of it comes to."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        version = self._noted_version()
        hashes = {kind: hashlib.new(kind) for kind in {"sha256", checksum.kind if checksum else "sha256"}}
        start = self._feed(hashes) if version else 0
        self.resumes = start > 0
        source = _FromOffset(client.source(self._url), start, version if start else None)
        with InputStream(public_name(self._url), source, client.options, client.sleep) as stream:
            self._write_note(source.version)
            with self._path.open("ab" if start else "wb") as file:
                while piece := stream.read1(_PIECE):
                    file.write(piece)
                    for each in hashes.values():
                        each.update(piece)
                file.flush()
                os.fsync(file.fileno())
        self.digests = {kind: each.hexdigest() for kind, each in hashes.items()}
        return Fetched(self._path.stat().st_size, self.digests["sha256"], start)

    def finish(self) -> None:
        """Gives the file its name."""
        self._path.replace(self._target)
        self._note.unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the part."""
        self._path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _feed(self, hashes: dict[str, Any]) -> int:
        size = 0
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                for each in hashes.values():
                    each.update(piece)
        return size

    def _noted_version(self) -> Version | None:
        """The version that the part is of, when that can be held against the server's."""
        try:
            note = json.loads(self._note.read_bytes())
            version = Version(note["size"], note["etag"], note["last_modified"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        is_same = note.get("url") == public_name(self._url) and version.identifies and self._path.exists()
        return version if is_same else None

    def _write_note(self, version: Version) -> None:
        note = {"url": public_name(self._url), **dataclasses.asdict(version)}
        self._note.write_text(json.dumps(note), encoding="utf-8")


class _FromOffset:
    """A source whose first byte is one further on in another source."""

    def __init__(self, source: HttpSource, start: int, version: Version | None) -> None:
        self._source = source
        self._start = start
        self._required = version
        self.version = Version()  # of the whole file, once connected

    def connect(self, offset: int, version: Version | None) -> Connection:
        """As `Source.connect` says."""
        connection = self._source.connect(offset + self._start, version or self._required)
        if self._required is not None and self._required.conflict(connection.version):
            connection.close()
            raise RefusedError(_CHANGED)
        self.version = connection.version
        return _Shifted(connection, self._start)

    def close(self) -> None:
        """Ends it."""
        self._source.close()


class _Shifted:
    """A connection as seen from an offset; where a server ignores ranges it starts before, at a negative byte."""

    def __init__(self, connection: Connection, offset: int) -> None:
        self._connection = connection
        self.start = connection.start - offset
        size = connection.version.size
        self.version = dataclasses.replace(connection.version, size=None if size is None else size - offset)

    def read(self, size: int) -> bytes:
        """As `Connection.read` says."""
        return self._connection.read(size)

    def close(self) -> None:
        """Ends it."""
        self._connection.close()
