"""Downloading a file from an HTTP server, whole and verified, in one or several calls.

The file is written to NAME.part, beside a record of its version in NAME.part.json, and renamed when it is complete and
its checksum is right. A later call continues at the end of the part if the server still has the same version. Retries
within a call are done by `storage`: waits, Retry-After, Range.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
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
from metaclip_curate.storage.offset_source import OffsetSource
from metaclip_curate.storage.retry import MissingError, RefusedError
from metaclip_curate.storage.source import Version

_PIECE = 1 << 20
_BEGINNING = 1 << 10  # bytes in which a web page says that it is one
_MOST_BYTES = 1 << 26  # of a file that is read into memory, such as a list of checksums
_CHANGED = "it changed since its first part was downloaded"
_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Checksum:
    """The expected checksum of a file.

    Attributes:
        kind: Name of the hash in hashlib.
        digits: Hex digits.
    """

    kind: str
    digits: str


@dataclass(frozen=True)
class Client:
    """Settings of requests.

    Attributes:
        options: Limits of requests and retries.
        contact: E-mail address or URL of the user, for the User-Agent. Default: none.
        sleep: Function that waits between attempts.
    """

    options: StorageOptions
    contact: str = ""
    sleep: Callable[[float], None] = field(default=time.sleep)

    def headers(self) -> dict[str, str]:
        """Returns the headers of a request. Wikimedia requires a User-Agent with the program and a contact."""
        contact = f" ({self.contact})" if self.contact else ""
        return {**AS_STORED, "User-Agent": f"metaclip-curate/{__version__}{contact}"}

    def source(self, url: str) -> HttpSource:
        """Returns the source of a URL's bytes."""
        return HttpSource(url, self.options.read_timeout, self.headers)

    def read(self, url: str) -> bytes | None:
        """Reads a small file; None if it doesn't exist.

        Raises:
            UserError: The server can't be reached, refuses, or sends more than 64 MiB.
        """
        try:
            with InputStream(public_name(url), self.source(url), self.options, self.sleep) as stream:
                return read_whole(stream, _MOST_BYTES)
        except InputError as error:
            if isinstance(error.__cause__, MissingError):
                return None
            raise UserError(f"{error}: check the URL, or try again later") from error


@dataclass(frozen=True)
class Fetched:
    """A downloaded file.

    Attributes:
        bytes: Size, bytes.
        sha256: Digest, 64 hex digits.
        resumed_at: Number of bytes that an earlier call had downloaded.
    """

    bytes: int
    sha256: str
    resumed_at: int


def fetch_file(url: str, target: Path, checksum: Checksum | None, client: Client) -> Fetched | None:
    """Downloads a file, or continues its download.

    Args:
        url: http:// or https:// URL.
        target: Path to write to; an existing file is replaced.
        checksum: Expected checksum, if it is known.
        client: Settings of requests.

    Returns:
        The file; None if the server doesn't have it.

    Raises:
        UserError: The file can't be downloaded, or what the server sends is twice a web page or another file than its
            checksum says.
    """
    part = _Part(url, target)
    for last in (False, True):
        try:
            fetched = part.download(checksum, client)
        except InputError as error:
            if isinstance(error.__cause__, MissingError):
                part.remove()
                return None
            if part.resumes and not last and isinstance(error.__cause__, RefusedError):
                part.remove()
                continue
            raise UserError(f"{error}: the same command goes on where it stopped") from error
        fault = part.fault(checksum)
        if not fault:
            part.finish()
            return fetched
        part.remove()
        if last:
            raise UserError(f"{public_name(url)} {fault}")
    raise AssertionError("the last attempt either returns or raises")


class _Part:
    """A file that is being downloaded.

    Attributes:
        digests: Digests of the complete file, by name of the hash.
        resumes: Whether this call continued an earlier download.
    """

    def __init__(self, url: str, target: Path) -> None:
        self._url = url
        self._target = target
        self._path = target.with_name(target.name + ".part")
        self._record = target.with_name(target.name + ".part.json")
        self.digests: dict[str, str] = {}
        self.resumes = False

    def download(self, checksum: Checksum | None, client: Client) -> Fetched:
        """Downloads the rest of the file and computes its digests."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        version = self._recorded_version()
        hashes = {kind: hashlib.new(kind) for kind in {"sha256", checksum.kind if checksum else "sha256"}}
        start = self._feed(hashes) if version else 0
        self.resumes = start > 0
        required = version if start else None
        source = OffsetSource(client.source(self._url), start, required)
        with InputStream(public_name(self._url), source, client.options, client.sleep) as stream:
            if required is not None and required.conflict(source.version):
                raise InputError(stream.path, _CHANGED) from RefusedError(_CHANGED)
            self._write_record(source.version)
            with self._path.open("ab" if start else "wb") as file:
                while piece := stream.read1(_PIECE):
                    file.write(piece)
                    for each in hashes.values():
                        each.update(piece)
                file.flush()
                os.fsync(file.fileno())
        self.digests = {kind: each.hexdigest() for kind, each in hashes.items()}
        return Fetched(self._path.stat().st_size, self.digests["sha256"], start)

    def fault(self, checksum: Checksum | None) -> str:
        """Returns what is wrong with the complete file and what to do about it; empty if nothing is."""
        if checksum is not None and self.digests[checksum.kind] == checksum.digits.lower():
            return ""
        with self._path.open("rb") as file:
            if _WEB_PAGE.match(file.read(_BEGINNING)):
                return "is a web page (HTML) and not the file, in two downloads: open it in a browser to see why"
        if checksum is None:
            return ""
        found = self.digests[checksum.kind]
        return f"has the {checksum.kind} {found} and should have {checksum.digits}, in two downloads: try again later"

    def finish(self) -> None:
        """Renames the part to the file."""
        self._path.replace(self._target)
        self._record.unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the part."""
        self._path.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def _feed(self, hashes: dict[str, Any]) -> int:
        size = 0
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                size += len(piece)
                for each in hashes.values():
                    each.update(piece)
        return size

    def _recorded_version(self) -> Version | None:
        """Returns the version of the part, if it can be compared with that on the server."""
        try:
            record = json.loads(self._record.read_bytes())
            version = Version(record["size"], record["etag"], record["last_modified"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        is_same = record.get("url") == public_name(self._url) and version.identifies and self._path.exists()
        return version if is_same else None

    def _write_record(self, version: Version) -> None:
        record = {"url": public_name(self._url), **dataclasses.asdict(version)}
        self._record.write_text(json.dumps(record), encoding="utf-8")
